/** The command line: help, usage errors, exit codes, closed pipes; and how failures are described. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { afterAll, describe, expect, it } from 'vitest'
import { describeFailure } from '../../src/cli/failure.ts'
import { fraction, fractions, list, positiveInteger, positiveNumber, wholeNumber } from '../../src/cli/options.ts'
import { GraftError } from '../../src/core/errors.ts'
import { program, runGraft } from './command-line.ts'
import packageJson from '../../package.json' with { type: 'json' }

const graft = (...args: string[]) => runGraft(args)

describe('graft', () => {
  it('prints help and version with exit code 0', () => {
    const help = graft('--help')
    expect(help.status).toBe(0)
    expect(help.stdout).toContain('doctor')
    expect(help.stderr).toBe('')
    expect(graft('--version').stdout).toBe(`${packageJson.version}\n`)
  })

  it.each([
    ['no command', [], 'Usage: graft'],
    ['an unknown command', ['doctr'], '(Did you mean doctor?)\nUsage: graft '],
    ['an unknown option', ['doctor', '--jsn'], "unknown option '--jsn'\n(Did you mean --json?)\nUsage: graft doctor "],
    ['an argument too many', ['doctor', 'x'], 'too many arguments'],
  ])('exits with 2 and the usage on stderr for %s', (_, args, text) => {
    const { status, stdout, stderr } = graft(...args)
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(text)
  })

  it('puts a usage error on stdout as JSON with --json', () => {
    const { status, stdout } = graft('doctor', 'x', '--json')
    expect(status).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'usage', hint: expect.any(String) } })
  })

  it('reports a failed command in text and as JSON, with the stack only after --debug', () => {
    const args = ['data', 'no-such-file.csv', '--out', 'no-such-folder']
    const plain = graft(...args, '--json')
    expect(plain.status).toBe(1)
    expect(JSON.parse(plain.stdout)).toMatchObject({ error: { code: 'file-not-found', file: 'no-such-file.csv' } })
    expect(plain.stderr).toMatch(/^error: no-such-file\.csv .+\nhint: .+\n$/)
    expect(graft(...args, '--debug').stderr).toContain('    at ')
  })

  it('is quiet when its reader closes the pipe', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'graft-pipe-'))
    const csv = join(folder, 'texts.csv')
    writeFileSync(csv, `text,label\n${Array.from({ length: 40 }, (_, at) => `text ${at},${at % 2}`).join('\n')}\n`)
    const child = spawn(process.execPath, [program, 'data', csv, '--out', join(folder, 'data')])
    child.stdout.destroy()
    let stderr = ''
    child.stderr.on('data', (chunk) => (stderr += chunk))
    const code = await new Promise((resolve) => child.on('close', resolve))
    rmSync(folder, { recursive: true })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})

describe('interruptSignal', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-interrupt-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  /** Runs `body` with `signal` in scope, sends a signal when it prints `ready`, and again and again once it prints `stopping`. */
  async function interrupted(body: string, name: NodeJS.Signals = 'SIGINT') {
    const script = join(folder, `${body.length}.ts`)
    const module = new URL('../../src/cli/interrupt.ts', import.meta.url).href
    writeFileSync(
      script,
      `import { interruptSignal } from '${module}'\nconst signal = interruptSignal()\n` +
        `const keepAlive = setInterval(() => {}, 1000)\n${body}\nconsole.log('ready')\n`,
    )
    const child = spawn(process.execPath, ['--import', 'tsx', script])
    let stdout = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
      if (String(chunk).includes('ready')) child.kill(name)
      // One that comes at once may be the same, passed on by npm.
      if (String(chunk).includes('stopping')) again = setInterval(() => child.kill(name), 100)
      if (String(chunk).includes('stopped')) clearInterval(again)
    })
    let again: NodeJS.Timeout | undefined
    const code = await new Promise((resolve) => child.on('close', resolve))
    clearInterval(again)
    return { code, stdout }
  }

  it('lets the first Ctrl-C end the work in order', async () => {
    const body = `signal.addEventListener('abort', () => { console.log(signal.reason.code); clearInterval(keepAlive) })`
    expect(await interrupted(body)).toEqual({ code: 0, stdout: 'ready\ninterrupted\n' })
  })

  it.each(['SIGTERM', 'SIGHUP'] as const)('lets %s end the work in order, however often it comes', async (name) => {
    const body = `signal.addEventListener('abort', () => {
      console.log('stopping', signal.reason.value)
      setTimeout(() => console.log('stopped'), 500)
      // While Node ends, a signal does what it does by default.
      setTimeout(() => clearInterval(keepAlive), 1000)
    })`
    expect(await interrupted(body, name)).toEqual({ code: 0, stdout: `ready\nstopping ${name}\nstopped\n` })
  })

  it('takes a Ctrl-C that comes twice at once for one', async () => {
    const body = `signal.addEventListener('abort', () => {
      console.log('once')
      process.kill(process.pid, 'SIGINT')
      setTimeout(() => clearInterval(keepAlive), 100)
    })`
    expect(await interrupted(body)).toEqual({ code: 0, stdout: 'ready\nonce\n' })
  })

  it('ends the process with 130 at the second', async () => {
    const body = `signal.addEventListener('abort', () => console.log('stopping'))`
    expect(await interrupted(body)).toEqual({ code: 130, stdout: 'ready\nstopping\n' })
  })
})

describe('describeFailure', () => {
  const error = new GraftError('data-label', 'data.csv line 3: unknown label "x"', {
    hint: 'Fix the label.',
    file: 'data.csv',
    line: 3,
    value: 'x',
  })

  it('gives message and hint, no stack, and exit code 1', () => {
    const failure = describeFailure(error)
    expect(failure).toMatchObject({
      exitCode: 1,
      document: { code: 'data-label', file: 'data.csv', line: 3, value: 'x' },
    })
    expect(failure?.text).toMatch(/data\.csv line 3: unknown label "x"\n.*Fix the label\.\n$/)
  })

  it('adds the stack with debug', () => {
    expect(describeFailure(error, { debug: true })?.text).toContain('main.test.ts')
  })

  it.each([
    ['usage', 2],
    ['interrupted', 130],
    ['file-write', 1],
  ] as const)('exits after %s with %i', (code, exitCode) => {
    expect(describeFailure(new GraftError(code, 'message', { hint: 'hint' }))?.exitCode).toBe(exitCode)
  })

  it('exits after SIGTERM as a shell says it', () => {
    const stopped = new GraftError('interrupted', 'stopped', { hint: 'hint', value: 'SIGTERM' })
    expect(describeFailure(stopped)?.exitCode).toBe(143)
  })

  it.each([
    ['ENOSPC', 'write', 'file-write', 'no space left on device', 'Free some space'],
    ['EMFILE', 'open', 'file-read', 'too many open files', 'ulimit -n'],
    ['EDQUOT', 'write', 'file-write', 'disk quota exceeded', 'disk quota'],
    ['EROFS', 'mkdir', 'file-write', 'read-only file system', 'can be written to'],
    ['ENAMETOOLONG', 'mkdtemp', 'file-write', 'name too long', 'shorter'],
  ] as const)('names %s as what it is, wherever it comes from', (code, syscall, expected, reason, hint) => {
    const error = Object.assign(new Error(code), { code, errno: -constants.errno[code], syscall, path: '/somewhere' })
    const { document } = describeFailure(error) ?? {}
    expect(document).toMatchObject({ code: expected, message: expect.stringContaining(reason) })
    expect(document?.hint).toContain(hint)
    expect(document?.message).toContain('/somewhere')
  })

  it('says how to report what it did not expect', () => {
    const failure = describeFailure(new TypeError('x is not a function'))
    expect(failure).toMatchObject({ exitCode: 1, document: { code: 'unexpected' } })
    expect(failure?.text).toContain('unexpected error: x is not a function')
    expect(failure?.text).toContain('--debug')
    expect(failure?.text).not.toContain('main.test.ts')
  })

  it('sees no failure in help', () => {
    expect(describeFailure(new CommanderError(0, 'commander.helpDisplayed', ''))).toBeUndefined()
  })
})

describe('option parsers', () => {
  it('accept what they are for', () => {
    expect([positiveInteger('3'), wholeNumber('0'), positiveNumber('5e-4'), fraction('0.1')]).toEqual([3, 0, 5e-4, 0.1])
    expect(list('ham, spam')).toEqual(['ham', 'spam'])
    expect(fractions('0.7,0.1,0.2')).toEqual([0.7, 0.1, 0.2])
  })

  it.each([
    [positiveInteger, ['0', '-1', '1.5', 'x', '', ' ', 'Infinity', '1e300']],
    [wholeNumber, ['-1', '0.5', 'NaN', '', ' ']],
    [positiveNumber, ['0', '-1', 'Infinity', '1,5']],
    [fraction, ['-0.1', '1.1', '50%']],
    [list, ['', 'a,,b', 'a,']],
    [fractions, ['0.7,0.3,', '0.7;0.3']],
  ])('%o refuse what is not', (parse, texts) => {
    for (const text of texts) expect(() => parse(text)).toThrow(/^Expected /)
  })
})
