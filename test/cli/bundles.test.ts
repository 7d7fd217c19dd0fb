/** `graft export`, `verify` and `classify` as child processes: what they print, write and return. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fixture, writeFixture } from '../export/fixtures.ts'

const program = fileURLToPath(new URL('../../bin/graft.js', import.meta.url))

let fixture: Fixture
beforeAll(async () => {
  fixture = await writeFixture()
  graft('export', '--adapter', 'topic', '--mode', 'merged', '--out', 'merged')
  graft('export', '--adapter', 'spam', '--adapter', 'news=topic', '--mode', 'unmerged', '--out', 'unmerged')
})
afterAll(() => rm(fixture.dir, { recursive: true }))

/** Runs a command in the fixture's folder. */
function graft(...args: string[]) {
  return spawnSync(process.execPath, [program, ...args], { cwd: fixture.dir, encoding: 'utf8', maxBuffer: 2 ** 26 })
}

const path = (name: string) => join(fixture.dir, name)
const write = (name: string, content: string) => writeFileSync(path(name), content)
const read = (name: string) => readFileSync(path(name), 'utf8')

type Row = Record<string, string>
const readCsv = (text: string): Row[] => parse(text, { columns: true })

describe('graft export', () => {
  it('says what it wrote, and prints the description with --json', () => {
    const plain = graft('export', '--base', 'base', '--adapter', 'spam', '--mode', 'merged', '--out', 'out')
    expect(plain).toMatchObject({ status: 0, stderr: '' })
    expect(plain.stdout).toContain('Wrote out: merged bundle')
    expect(plain.stdout).toMatch(/logits on 8 probes; largest difference \d\.\de-\d/)
    const json = graft('export', '--adapter', 'spam', '--mode', 'merged', '--out', 'out', '--force', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ out: 'out', kind: 'merged', labels: ['ham', 'spam'] })
  })

  it('refuses an existing folder with 1, and an unknown mode with 2', () => {
    const exists = graft('export', '--adapter', 'spam', '--mode', 'merged', '--out', 'merged')
    expect(exists.status).toBe(1)
    expect(exists.stderr).toContain('--force')
    expect(graft('export', '--adapter', 'spam', '--mode', 'both', '--out', 'x').status).toBe(2)
    expect(graft('export', '--adapter', 'spam', '--mode', 'merged').status).toBe(2)
  })
})

describe('graft verify', () => {
  it('returns 0 for a sound bundle, and 1 with what is wrong for a changed one', () => {
    expect(graft('verify', 'unmerged')).toMatchObject({ status: 0, stderr: '' })
    graft('export', '--adapter', 'spam', '--mode', 'merged', '--out', 'changed')
    appendFileSync(path('changed/config.json'), ' ')
    const { status, stdout } = graft('verify', 'changed')
    expect(status).toBe(1)
    expect(stdout).toMatch(/^config\.json +FAILED +its SHA-256 is/m)
    expect(stdout).toContain('1 of 6 checks failed')
    const json = graft('verify', 'changed', '--json')
    expect(json.status).toBe(1)
    const document = JSON.parse(json.stdout) as { ok: boolean; checks: { name: string; ok: boolean }[] }
    expect(document.ok).toBe(false)
    expect(document.checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(['config.json'])
  })
})

describe('graft classify', () => {
  it('prints a table of texts', () => {
    const { status, stdout } = graft('classify', '--model', 'merged', 'Shares fell again', 'The match\nwas late')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^text +label +confidence\nShares fell again +\S+ +\d+\.\d %\nThe match was late +\S+/)
  })

  it("prints every label's probability with --all", () => {
    const { stdout } = graft('classify', '--model', 'unmerged', '--adapter', 'news', '--all', 'Shares fell again')
    for (const label of ['World', 'Sports', 'Business', 'Sci/Tech']) expect(stdout).toContain(label)
    const json = graft('classify', '--model', 'unmerged', '--adapter', 'news', '--all', '--json', 'Shares fell again')
    const [result] = JSON.parse(json.stdout) as {
      text: string
      label: string
      scores: { label: string; score: number }[]
    }[]
    expect(result).toMatchObject({ text: 'Shares fell again', label: expect.any(String), tokens: 3, truncated: false })
    expect(result!.scores.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 6)
  })

  it('says which texts were cut', () => {
    const { stdout } = graft('classify', '--model', 'merged', 'word '.repeat(50))
    expect(stdout).toContain('Of 1 of the texts only the first 12 tokens were read.')
  })

  it.each([
    ['an unknown adapter', ['--model', 'unmerged', '--adapter', 'nws', 'x'], 1, 'there are spam, news'],
    ['no adapter', ['--model', 'unmerged', 'x'], 1, 'no adapter was chosen'],
    ['an empty text', ['--model', 'merged', 'x', ' '], 1, 'text 2 is empty'],
    ['a folder that is no bundle', ['--model', 'base', 'x'], 1, 'error:'],
    ['no text', ['--model', 'merged'], 2, 'no text to classify'],
    ['texts and a file', ['--model', 'merged', '--input', 'a.csv', 'x'], 2, 'exclude each other'],
    ['an output of another format', ['--model', 'merged', '--input', 'a.csv', '--output', 'b.xml'], 2, 'CSV'],
    ['an input that is not there', ['--model', 'merged', '--input', 'a.csv', '--output', 'b.csv'], 1, 'does not exist'],
  ])('refuses %s', (_, args, code, message) => {
    const { status, stdout, stderr } = graft('classify', ...args)
    expect({ status, stdout }).toEqual({ status: code, stdout: '' })
    expect(stderr).toContain(message)
  })

  it('classifies 10,000 rows of a CSV file, its columns kept, with progress on stderr', () => {
    const rows = Array.from({ length: 10_000 }, (_, at) => ({
      id: String(at),
      message: at % 3 === 0 ? `line one, "${at}"\nline two` : `text number ${at}`,
      label: at % 2 === 0 ? 'ham' : 'spam',
    }))
    write('rows.csv', stringify(rows, { header: true }))
    const args = ['classify', '--model', 'unmerged', '--adapter', 'spam', '--input', 'rows.csv']
    const { status, stderr } = graft(...args, '--output', 'classified.csv')
    expect(status).toBe(0)
    expect(stderr).toMatch(/Classifying +100%/)
    const classified = readCsv(read('classified.csv'))
    expect(classified).toHaveLength(10_000)
    expect(Object.keys(classified[0]!)).toEqual(['id', 'message', 'label', 'predicted_label', 'score'])
    expect(classified.map(({ id, message, label }) => ({ id, message, label }))).toEqual(rows)
    const [first] = JSON.parse(
      graft('classify', '--model', 'unmerged', '--adapter', 'spam', '--json', rows[9_999]!.message).stdout,
    ) as { label: string; score: number }[]
    expect(classified[9_999]).toMatchObject({ predicted_label: first!.label })
    expect(Number(classified[9_999]!.score)).toBeCloseTo(first!.score, 5)
  })

  it('writes rows to stdout in the format of the input', () => {
    write('rows.jsonl', '{"text": "ok", "id": 7, "nested": {"a": [1]}}\n\n{"text": "not ok", "id": 8}\n')
    const { status, stdout } = graft('classify', '--model', 'merged', '--input', 'rows.jsonl', '--all')
    expect(status).toBe(0)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatchObject({ text: 'ok', id: 7, nested: { a: [1] }, label: expect.any(String) })
    expect(Object.keys(lines[1] as object)).toEqual([
      ...['text', 'id', 'label', 'score', 'score_World', 'score_Sports', 'score_Business', 'score_Sci/Tech'],
    ])
  })

  it('converts between formats, and prints a summary with --json', () => {
    write('collection', 'ham\tsee you later\nspam\t"Win" now!\n')
    const args = ['classify', '--model', 'merged', '--input', 'collection', '--output', 'collection.jsonl', '--json']
    const { stdout } = graft(...args)
    expect(JSON.parse(stdout)).toMatchObject({ output: 'collection.jsonl', rows: 2, truncated: 0 })
    const [, second] = read('collection.jsonl').split('\n')
    expect(JSON.parse(second!)).toMatchObject({
      label: 'spam',
      text: '"Win" now!',
      predicted_label: expect.any(String),
    })
  })

  it('takes a text of 1 MB', () => {
    write('long.csv', `body\n${'spam '.repeat(200_000)}\nshort\n`)
    const args = ['classify', '--model', 'merged', '--input', 'long.csv', '--text', 'body', '--output', 'long-out.csv']
    const { status, stdout } = graft(...args)
    expect(status).toBe(0)
    expect(stdout).toContain('1 texts were longer than the model takes')
    expect(readCsv(read('long-out.csv'))).toHaveLength(2)
  })

  it.each([
    ['an empty text', 'text\nok\n" "\n', 'line 3: no text in column "text"'],
    ['an empty file', '', 'holds no rows'],
    ['no column of texts', 'a,b\n1,2\n', 'the columns are a, b'],
  ])('refuses %s and writes nothing', (_, content, message) => {
    write('bad.csv', content)
    const before = readdirSync(fixture.dir)
    const { status, stderr } = graft('classify', '--model', 'merged', '--input', 'bad.csv', '--output', 'bad-out.csv')
    expect(status).toBe(1)
    expect(stderr).toContain(message)
    expect(readdirSync(fixture.dir)).toEqual(before)
    expect(existsSync(path('bad-out.csv'))).toBe(false)
  })
})
