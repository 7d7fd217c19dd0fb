/** Pipes in and out, and texts too long for a command line, as child processes. */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportBundle } from '../../src/export/index.ts'
import { type Fixture, writeFixture } from '../export/fixtures.ts'

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const program = root('bin/graft.js')

let fixture: Fixture
beforeAll(async () => {
  fixture = await writeFixture()
  await exportBundle({
    adapters: [{ dir: fixture.adapters.spam }],
    mode: 'merged',
    dir: path('bundle'),
    probes: ['ok'],
  })
  writeFileSync(
    path('rows.csv'),
    `text,label\n${Array.from({ length: 40 }, (_, at) => `a ${at},${at % 2 ? 'ham' : 'spam'}\n`).join('')}`,
  )
})
afterAll(() => rm(fixture.dir, { recursive: true }))

const path = (name: string) => join(fixture.dir, name)

/** Runs a line of bash in the fixture's folder, in which `graft` is the program. */
const bash = (line: string, input = '') => {
  const script = `graft() { '${process.execPath}' '${program}' "$@"; }; ${line}`
  return spawnSync('bash', ['-c', script], { cwd: fixture.dir, encoding: 'utf8', input })
}

describe('graft classify', () => {
  it('takes texts of any length, which ONNX Runtime would end the process for', () => {
    const text = 'spam and ham '.repeat(6_000)
    const { status, stdout } = spawnSync(process.execPath, [program, 'classify', '--model', 'bundle', '--json', text], {
      cwd: fixture.dir,
      encoding: 'utf8',
    })
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject([{ text, label: 'ham', truncated: true }])
  })

  it('reads standard input and writes standard output, what it says on stderr', () => {
    const { status, stdout, stderr } = bash(
      'graft classify --model bundle --input - --output -',
      'id;text\r\n1234567890123456789;"ok; then"\r\n2;\r\n',
    )
    expect(stdout).toMatch(/^id;text;label;score\r\n1234567890123456789;"ok; then";ham;0\.\d+\r\n2;;;\r\n$/)
    expect(stderr).toContain('Rows without a text, which got no label: 1')
    expect(status).toBe(0)
  })

  it('reads and writes named pipes, and is quiet where the reader has seen enough', () => {
    const { stdout, stderr } = bash(
      `graft classify --model bundle --input <(yes 'a text' | head -20000 | sed '1s/.*/text/') | head -2; echo \${PIPESTATUS[0]}
       mkfifo in out; cat rows.csv > in & cat out > copy & graft classify --model bundle --input in --output out > /dev/null; wait`,
    )
    expect(stdout).toMatch(/^text,label,score\na text,ham,0\.\d+\n0\n$/)
    expect(stderr).not.toContain('error')
    expect(readFileSync(path('copy'), 'utf8').split('\n').length).toBe(42)
  })
})

describe('graft data and graft eval', () => {
  it('read pipes', () => {
    const { stdout, status } = bash(
      `cat rows.csv | graft data - --test <(printf 'text,label\\nnew,ham\\n') --split 0.9,0.1 --out made --json | head -3
       graft eval --model bundle --data - --json < rows.csv`,
    )
    expect(status).toBe(0)
    expect(stdout).toMatch(/"out": "made"[^]*"texts": 40,/)
    const { sources, splits } = JSON.parse(readFileSync(path('made/summary.json'), 'utf8'))
    expect(sources[0]).toMatchObject({ file: 'stdin', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(splits).toMatchObject({ train: { rows: 36 }, validation: { rows: 4 }, test: { rows: 1 } })
  })
})

describe('a program with long arguments', () => {
  /** Starts a program that says what it got, and waits for a signal. */
  async function start(ending: string) {
    const script = path('long.mts')
    const module = JSON.stringify(root('src/cli/long-arguments.ts'))
    writeFileSync(
      script,
      `import { runWithShortArguments } from ${module}
       if (!(await runWithShortArguments())) {
         process.on('SIGTERM', () => { ${ending} })
         console.log(JSON.stringify(process.argv.slice(2)))
         setInterval(() => {}, 1000)
       }`,
    )
    const args = ['x'.repeat(50_000), 'é "quoted"', '', '--flag']
    const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], { cwd: root('.') })
    let stdout = ''
    const got = new Promise<void>((resolve) =>
      child.stdout.on('data', (chunk) => {
        stdout += String(chunk)
        if (stdout.endsWith('\n')) resolve()
      }),
    )
    const end = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)))
    await got
    expect(JSON.parse(stdout)).toEqual(args)
    child.kill('SIGTERM')
    return end
  }

  it('gets them all, its signals, and its exit code', async () => {
    expect(await start('process.exit(7)')).toBe(7)
  })

  it('ends by the signal that ended it', async () => {
    expect(await start("process.kill(process.pid, 'SIGKILL')")).toBe('SIGKILL')
  })
})
