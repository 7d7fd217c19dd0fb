/** Output folders: only what Graft wrote is replaced, by one process at a time, and an interrupted replacement is ended. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import {
  access,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  realpath,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkOutputFile, writeFileAtomic } from '../../src/files/atomic.ts'
import { besidePath, listBeside } from '../../src/files/claim.ts'
import { growFolder } from '../../src/files/growing-folder.ts'
import { type OutputOptions, openOutput, withOutput, writeOutputFolder } from '../../src/files/output.ts'
import { readJson } from '../../src/files/read.ts'
import { RECORD } from '../../src/files/record.ts'

let dir: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'graft-output-')))
})
afterEach(() => rm(dir, { recursive: true }))

const path = (...names: string[]) => join(dir, ...names)

/** Writes a folder of two files, one of them in a folder of its own. */
const write = (out: string, text = 'one', options: Partial<OutputOptions> = {}) =>
  writeOutputFolder(out, { kind: 'model', ...options }, async (folder) => {
    await mkdir(join(folder, 'sub'))
    await writeFile(join(folder, 'a.json'), JSON.stringify(text))
    await writeFile(join(folder, 'sub', 'b.txt'), text)
  })

const replace = (out: string, options: Partial<OutputOptions> = {}) => write(out, 'two', { force: true, ...options })

const failureOf = async (work: Promise<unknown>) => {
  const failure: unknown = await work.then(
    () => 'nothing failed',
    (error: unknown) => error,
  )
  return failure as Error & { code: string; hint: string; value: unknown }
}

const names = async (folder = dir) => (await readdir(folder)).toSorted()
const content = (...parts: string[]) => readFile(path(...parts, 'a.json'), 'utf8')

describe('a folder is replaced', () => {
  it('where all of it was written by Graft, or nothing is in it', async () => {
    await write(path('out'))
    await replace(path('out'))
    expect(await content('out')).toBe('"two"')
    await mkdir(path('empty'))
    await write(path('empty'))
    expect(await names()).toEqual(['empty', 'out'])
  })

  it.each<[string, () => Promise<unknown>, string]>([
    ['a file was added', () => writeFile(path('out', 'notes.txt'), ''), 'notes.txt'],
    ['a file was added below', () => writeFile(path('out', 'sub', 'notes.txt'), ''), 'sub/notes.txt'],
    ['a hidden file was added', () => writeFile(path('out', '.env'), ''), '.env'],
    ['a file was changed', () => writeFile(path('out', 'sub', 'b.txt'), 'One'), 'sub/b.txt'],
    [
      'a file became a link',
      async () => {
        await rename(path('out', 'a.json'), path('mine.json'))
        await symlink(path('mine.json'), path('out', 'a.json'))
      },
      'a.json',
    ],
    ['a folder was linked in', () => symlink(dir, path('out', 'link')), 'link'],
    ['the record is gone', () => rm(path('out', RECORD)), 'a.json'],
    ['the record is no record', () => writeFile(path('out', RECORD), '{}'), 'a.json'],
    ['another output was put into it', () => write(path('out', 'other')), 'other/a.json'],
  ])('but not after %s, which is named', async (_, change, foreign) => {
    await write(path('out'))
    await change()
    const before = execFileSync('ls', ['-laR', '--time-style=full-iso', path('out')], { encoding: 'utf8' })
    const failure = await failureOf(replace(path('out')))
    expect(failure).toMatchObject({ code: 'file-exists', message: expect.stringContaining(foreign) })
    expect(execFileSync('ls', ['-laR', '--time-style=full-iso', path('out')], { encoding: 'utf8' })).toBe(before)
  })

  it('but not one of another kind', async () => {
    await write(path('out'))
    expect(await failureOf(replace(path('out'), { kind: 'bundle' }))).toMatchObject({
      code: 'file-exists',
      message: expect.stringContaining('holds a model, not a bundle'),
    })
  })

  it('but not one that is, holds or is part of an input, whatever the path looks like', async () => {
    await write(path('out'))
    await writeFile(path('corpus.txt'), '')
    await symlink(path('out'), path('link'))
    const inputs = [
      path('out'),
      path('link'),
      `${path('out')}/`,
      relative('.', path('out')),
      path('out', 'sub'),
      path('link', 'a.json'),
    ]
    for (const input of inputs) {
      const failure = await failureOf(replace(path('out'), { inputs: [undefined, path('corpus.txt'), input] }))
      expect([input, failure.code]).toEqual([input, 'file-exists'])
      expect(failure.message).toContain('reads')
    }
    await write(path('out2', 'inner'))
    expect(await failureOf(replace(path('out2', 'inner'), { inputs: [path('out2')] }))).toMatchObject({
      code: 'file-exists',
      message: expect.stringContaining('is part of'),
    })
    await replace(path('out'), { inputs: [path('corpus.txt'), path('nothing')] })
  })

  it('but not a repository, the folder one is in or one above it, a home, or the root', async () => {
    await mkdir(path('repository', '.git'), { recursive: true })
    for (const place of [path('repository'), '.', './', resolve(), dirname(resolve()), homedir(), '/']) {
      const failure = await failureOf(replace(place))
      expect([place, failure.code]).toEqual([place, 'file-exists'])
    }
    expect(await names(path('repository'))).toEqual(['.git'])
  })

  it('by a name with slashes at its end, dots in it or links on its way', async () => {
    await write(`${path('out')}//`)
    await replace(path('x', '..', 'out'))
    await mkdir(path('far', 'away'), { recursive: true })
    await symlink(path('far', 'away'), path('near'))
    await write(`${path('near')}/../beside`)
    expect(await names(path('far'))).toEqual(['away', 'beside'])
    await symlink(path('out'), path('link'))
    await write(path('link'), 'three', { force: true })
    expect(await content('out')).toBe('"three"')
  })
})

describe('before the work', () => {
  const unreachable = () => expect.unreachable()
  const open = (out: string, options: Partial<OutputOptions> = {}) =>
    failureOf(withOutput(out, { kind: 'model', ...options }, unreachable))

  it('is refused: a file, a link to nothing, a path through a file, an empty name, a name that is too long', async () => {
    await writeFile(path('file'), 'mine')
    await symlink(path('nothing'), path('dangling'))
    expect(await open(path('file'), { force: true })).toMatchObject({ code: 'file-exists' })
    expect(await open(path('dangling'), { force: true })).toMatchObject({
      code: 'file-write',
      message: expect.stringContaining('link'),
    })
    expect(await open(path('dangling', 'below'))).toMatchObject({ code: 'file-write' })
    expect(await open(path('file', 'below'))).toMatchObject({ code: 'file-write' })
    expect(await open('')).toMatchObject({ code: 'usage' })
    expect(await open(path('x'.repeat(300)))).toMatchObject({
      code: 'file-write',
      message: expect.stringContaining('name too long'),
      hint: expect.stringContaining('shorter'),
    })
    expect(await names()).toEqual(['dangling', 'file'])
  })

  it('takes names as long as the disk does', async () => {
    await write(path('n'.repeat(255)))
    await replace(path('n'.repeat(255)))
    expect(await names()).toEqual(['n'.repeat(255)])
  })

  it('is refused what will not fit, and what was made for it goes', async () => {
    const failure = await failureOf(
      withOutput(path('a', 'b', 'out'), { kind: 'model' }, (output) => output.requireSpace(1e18)),
    )
    expect(failure).toMatchObject({ code: 'file-write', hint: expect.stringContaining('space') })
    expect(await names()).toEqual([])
  })

  it('is refused for a file: an input, by any of its names', async () => {
    await writeFile(path('in.csv'), 'text')
    await symlink(path('in.csv'), path('link.csv'))
    for (const output of [path('in.csv'), path('link.csv')]) {
      expect(await failureOf(checkOutputFile(output, [path('in.csv')]))).toMatchObject({ code: 'file-exists' })
    }
    await checkOutputFile(path('out.csv'), [path('in.csv')])
    expect(await failureOf(checkOutputFile(dir))).toMatchObject({ code: 'file-write' })
    expect(await names()).toEqual(['in.csv', 'link.csv'])
  })
})

describe('two that write to one folder', () => {
  const script = `
    import { openOutput } from '${new URL('../../src/files/output.ts', import.meta.url).href}'
    const output = await openOutput(process.argv[1], { kind: 'model' }).catch((error) => error)
    console.log(output.code ?? 'open')
    if (output.code === undefined) setInterval(() => {}, 1000)
  `
  const start = async (out: string) => {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, out], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [said] = (await once(child.stdout, 'data')) as [Buffer]
    return { child, said: said.toString().trim() }
  }
  const kill = async ({ child }: Awaited<ReturnType<typeof start>>) => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }

  it('the second is refused at its start, until the first is done or dead', async () => {
    const first = await start(path('out'))
    expect(first.said).toBe('open')
    const refused = await failureOf(write(`${path('out')}/`))
    expect(refused).toMatchObject({ code: 'file-locked', value: first.child.pid })
    expect(refused.message).toContain(`process ${first.child.pid}`)
    await write(path('out2'))
    await kill(first)
    await write(path('out'))
    expect(await names()).toEqual(['out', 'out2'])
  })

  it('of those that find a dead one’s lock at once, never two go on', async () => {
    await kill(await start(path('out')))
    expect((await listBeside(path('out'))).size).toBe(1)
    const starters = await Promise.all(Array.from({ length: 4 }, () => start(path('out'))))
    expect(starters.filter(({ said }) => said === 'open').length).toBe(1)
    expect(starters.filter(({ said }) => said === 'file-locked').length).toBe(3)
    await Promise.all(starters.map(kill))
  })

  it('in one process are told apart, too', async () => {
    const output = await openOutput(path('out'), { kind: 'model' })
    expect(await failureOf(write(path('out')))).toMatchObject({ code: 'file-locked' })
    await output.close()
    await write(path('out'))
  })

  it('a lock is not held by a process that got a dead one’s number, nor by one of before a restart', async () => {
    const output = await openOutput(path('out'), { kind: 'model' })
    const [[id] = ['']] = await listBeside(path('out'))
    const owner = JSON.parse(await readFile(besidePath(path('out'), id, 'lock'), 'utf8')) as Record<string, unknown>
    await output.close()
    for (const [at, change] of [{ started: '1' }, { boot: 'another' }].entries()) {
      const other = `00000000-0000-4000-8000-00000000000${at}`
      await writeFile(besidePath(path('out'), other, 'lock'), JSON.stringify({ ...owner, ...change }))
    }
    await write(path('out'))
    expect(await names()).toEqual(['out'])
  })

  it('a lock of another machine holds as long as it is touched', async () => {
    const lock = besidePath(path('out'), '00000000-0000-4000-8000-000000000000', 'lock')
    await writeFile(lock, JSON.stringify({ pid: 1, host: 'elsewhere' }))
    expect(await failureOf(write(path('out')))).toMatchObject({
      code: 'file-locked',
      message: expect.stringContaining('process 1 on elsewhere'),
    })
    const hourAgo = new Date(Date.now() - 3_600_000)
    await utimes(lock, hourAgo, hourAgo)
    await write(path('out'))
    expect(await names()).toEqual(['out'])
  })
})

describe('what an interruption left', () => {
  const id = '11111111-2222-4333-8444-555555555555'

  /** As a process leaves it that is ended between the two steps of a swap. */
  async function interruptSwap({ isNewThere = true } = {}): Promise<void> {
    await write(path('out'))
    if (isNewThere) {
      await write(path('new'), 'two')
      await rename(path('new'), besidePath(path('out'), id, 'tmp'))
    }
    await rename(path('out'), besidePath(path('out'), id, 'old'))
  }

  it('is ended by a reader: the new folder gets the name', async () => {
    await interruptSwap()
    expect(await readJson(path('out', 'a.json'))).toBe('two')
  })

  it('is ended by a reader: the old folder comes back where there is no new one', async () => {
    await interruptSwap({ isNewThere: false })
    expect(await readJson(path('out', 'a.json'))).toBe('one')
    expect(await names()).toEqual(['out'])
  })

  it('is ended by the next writer, and cleaned up', async () => {
    await interruptSwap()
    expect(await failureOf(write(path('out')))).toMatchObject({ code: 'file-exists' })
    expect(await content('out')).toBe('"two"')
    expect(await names()).toEqual(['out'])
  })

  it('is left alone by a reader while a living process is at it, and read afterwards', async () => {
    const output = await openOutput(path('out'), { kind: 'model' })
    const [[mine] = ['']] = await listBeside(path('out'))
    await write(path('new'), 'two')
    await cp(path('new'), besidePath(path('out'), mine, 'old'), { recursive: true })
    const reading = readJson(path('out', 'a.json'))
    await rename(path('new'), path('out'))
    expect(await reading).toBe('two')
    await output.close()
  })

  it('is removed, but for what a living process writes', async () => {
    await mkdir(besidePath(path('out'), id, 'tmp'))
    await writeFile(besidePath(path('file'), id, 'tmp'), '')
    const living = await openOutput(path('out2'), { kind: 'model' })
    await living.publish(async (temporary) => {
      await write(path('out'))
      await writeFileAtomic(path('file'), '')
      await access(temporary)
      expect((await names()).filter((name) => name.includes(id))).toEqual([])
    })
    await living.close()
    expect(await names()).toEqual(['file', 'out', 'out2'])
  })
})

describe('a folder that others write to as well', () => {
  const options = { kind: 'site', force: true, keepsOthers: true } as const
  const site = (files: Record<string, string>) =>
    writeOutputFolder(path('site'), options, async (folder) => {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true })
        await writeFile(join(folder, name), text)
      }
    })

  it('keeps what is theirs, and loses what was written last time', async () => {
    await mkdir(path('site', '.git'), { recursive: true })
    await writeFile(path('site', 'CNAME'), 'example.org')
    await site({ 'index.html': 'one', 'assets/a.js': 'a', 'assets/c.js': 'c' })
    await writeFile(path('site', 'assets', 'mine.js'), 'mine')
    await site({ 'index.html': 'two', 'assets/b.js': 'b', 'assets/c.js': 'c' })
    expect(await names(path('site'))).toEqual(['.git', RECORD, 'CNAME', 'assets', 'index.html'].toSorted())
    expect(await names(path('site', 'assets'))).toEqual(['b.js', 'c.js', 'mine.js'])
    expect(await readFile(path('site', 'index.html'), 'utf8')).toBe('two')
    expect(await readFile(path('site', 'CNAME'), 'utf8')).toBe('example.org')
  })

  it.each<[string, () => Promise<unknown>]>([
    ['a changed page', () => writeFile(path('site', 'index.html'), 'mine')],
    [
      'a file in the place of a folder',
      async () => {
        await rm(path('site', 'assets'), { recursive: true })
        await writeFile(path('site', 'assets'), 'mine')
      },
    ],
    [
      'a folder that is a link',
      async () => {
        await rename(path('site', 'assets'), path('elsewhere'))
        await symlink(path('elsewhere'), path('site', 'assets'))
      },
    ],
  ])('is not touched where there is %s', async (_, change) => {
    await site({ 'index.html': 'one', 'assets/a.js': 'a' })
    await change()
    const failure = await failureOf(site({ 'index.html': 'two', 'assets/a.js': 'b' }))
    expect(failure).toMatchObject({ code: 'file-exists', message: expect.stringMatching(/index\.html|assets/) })
    expect(existsSync(path('elsewhere', 'a.js')) && (await readFile(path('elsewhere', 'a.js'), 'utf8'))).not.toBe('b')
    expect(await readFile(path('site', 'index.html'), 'utf8')).not.toBe('two')
  })

  it('is not taken over without force, nor over a stranger’s page', async () => {
    await mkdir(path('site'))
    await writeFile(path('site', 'index.html'), 'theirs')
    expect(await failureOf(site({ 'index.html': 'one' }))).toMatchObject({ code: 'file-exists' })
    const refused = writeOutputFolder(path('site'), { ...options, force: false }, async () => undefined)
    expect(await failureOf(refused)).toMatchObject({ code: 'file-exists', hint: expect.stringContaining('--force') })
    expect(await names(path('site'))).toEqual(['index.html'])
  })
})

describe('a folder that grows', () => {
  const grow = (text: string, options: Partial<OutputOptions> = {}, goesOn = false) =>
    withOutput(path('sweep'), { kind: 'sweep', goesOn, ...options }, async (output) => {
      const folder = await growFolder(output, { kind: 'sweep', outputs: ['runs/a'], goesOn })
      await folder.writeFile('results.jsonl', text)
    })

  it('is known as ours all the time, with the outputs in it, and what a run left there', async () => {
    await grow('one')
    await write(path('sweep', 'runs', 'a'))
    await writeFile(path('sweep', 'runs', 'a.checkpoint.safetensors'), '')
    await grow('two', {}, true)
    await grow('three', { force: true })
    expect(await names(path('sweep'))).toEqual([RECORD, 'results.jsonl'])
  })

  it.each<[string, () => Promise<unknown>]>([
    ['runs/notes.txt', () => writeFile(path('sweep', 'runs', 'notes.txt'), '')],
    ['runs/a/notes.txt', () => writeFile(path('sweep', 'runs', 'a', 'notes.txt'), '')],
    ['runs/mine/a.json', () => write(path('sweep', 'runs', 'mine'))],
    ['results.jsonl', () => writeFile(path('sweep', 'results.jsonl'), 'mine')],
    ['base/a.json', () => write(path('sweep', 'base'))],
  ])('is not replaced with %s in it', async (foreign, change) => {
    await grow('one')
    await write(path('sweep', 'runs', 'a'))
    await change()
    expect(await failureOf(grow('two', { force: true }))).toMatchObject({
      code: 'file-exists',
      message: expect.stringContaining(foreign),
    })
    expect(existsSync(path('sweep', foreign))).toBe(true)
  })
})
