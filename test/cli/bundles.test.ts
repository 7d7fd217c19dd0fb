/** `graft export`, `verify` and `classify`: what they print, write and return. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportBundle } from '../../src/export/index.ts'
import { type Fixture, writeFixture } from '../export/fixtures.ts'
import { program, runGraft } from './command-line.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await writeFixture()
  const { topic, spam } = fixture.adapters
  const sources = [{ dir: spam }, { name: 'news', dir: topic }]
  await exportBundle({ base: fixture.base, adapters: [{ dir: topic }], mode: 'merged', dir: path('merged') })
  await exportBundle({ base: fixture.base, adapters: sources, mode: 'unmerged', dir: path('unmerged') })
})
afterAll(() => rm(fixture.dir, { recursive: true }))

const graft = (...args: string[]) => runGraft(args, { cwd: fixture.dir })

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
    const about = ['--title', 'A = B?', '--description', 'Two lines, a = b', '--example', 'one', '--example', 'two']
    const json = graft('export', '--adapter', 'spam', '--mode', 'merged', '--out', 'out', '--force', '--json', ...about)
    expect(JSON.parse(json.stdout)).toMatchObject({ out: 'out', kind: 'merged', labels: ['ham', 'spam'] })
    expect(JSON.parse(json.stdout)).toMatchObject({
      title: 'A = B?',
      description: 'Two lines, a = b',
      examples: ['one', 'two'],
    })
  })

  it('refuses a name that can be no folder’s, by that name', () => {
    const named = graft('export', '--adapter', 'a b=spam', '--mode', 'unmerged', '--out', 'x')
    expect(named.stderr).toContain('the adapter name "a b" is not a plain name')
  })

  it('refuses an existing folder with 1, and an unknown mode with 2', () => {
    const exists = graft('export', '--adapter', 'spam', '--mode', 'merged', '--out', 'merged')
    expect(exists.status).toBe(1)
    expect(exists.stderr).toContain('--force')
    expect(graft('export', '--adapter', 'spam', '--mode', 'both', '--out', 'x').status).toBe(2)
    const other = graft('export', '--adapter', 'spam', '--mode', 'unmerged', '--out', 'x', '--description', 'spm=No')
    expect(other).toMatchObject({ status: 2 })
    expect(other.stderr).toContain('"spm=…" names no adapter of this bundle; there are spam')
  })
})

describe('graft verify', () => {
  it('returns 0 for a sound bundle, and 1 with what is wrong for a changed one', () => {
    expect(graft('verify', 'unmerged')).toMatchObject({ status: 0, stderr: '' })
    cpSync(path('merged'), path('changed'), { recursive: true })
    appendFileSync(path('changed/config.json'), ' ')
    const { status, stdout } = graft('verify', 'changed')
    expect(status).toBe(1)
    expect(stdout).toMatch(/^config\.json +FAILED .*its SHA-256 is/m)
    expect(stdout).toContain('1 of 10 checks failed')
    const json = graft('verify', 'changed', '--json')
    const document = JSON.parse(json.stdout) as { ok: boolean; checks: { name: string; ok: boolean }[] }
    expect(document.ok).toBe(false)
    expect(document.checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(['config.json'])
  })
})

describe('graft classify', () => {
  it('prints a table of texts', () => {
    const texts = ['Shares fell again', 'The match\nwas late', 'word '.repeat(50)]
    const { status, stdout } = graft('classify', '--model', 'merged', ...texts)
    expect(status).toBe(0)
    expect(stdout).toContain('Of 1 of the texts only the first 12 tokens were read.')
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

  it('takes an adapter as it was trained, with the answers of its bundle', () => {
    const labelOf = (model: string) => {
      const { status, stdout } = graft('classify', '--model', model, '--json', 'Shares fell again')
      expect(status).toBe(0)
      return (JSON.parse(stdout) as { label: string; score: number }[])[0]!
    }
    const [adapter, bundle] = [labelOf('topic'), labelOf('merged')]
    expect(adapter.label).toBe(bundle.label)
    expect(adapter.score).toBeCloseTo(bundle.score, 5)
  })

  it.each([
    ['a base for a bundle', ['--model', 'merged', '--base', 'base', 'x'], 2, 'is no adapter, so it takes no base'],
    ['an unknown adapter', ['--model', 'unmerged', '--adapter', 'nws', 'x'], 1, 'there are spam, news'],
    ['an empty text', ['--model', 'merged', 'x', ' '], 1, 'text 2 is empty'],
    ['no text', ['--model', 'merged'], 2, 'no text to classify'],
    ['texts and a file', ['--model', 'merged', '--input', 'a.csv', 'x'], 2, 'exclude each other'],
    [
      'an output of another format',
      ['--model', 'merged', '--input', 'a.csv', '--output', 'b.xml'],
      2,
      '--output must end in .csv, .tsv or .jsonl',
    ],
  ])('refuses %s', (_, args, code, message) => {
    const { status, stdout, stderr } = graft('classify', ...args)
    expect({ status, stdout }).toEqual({ status: code, stdout: '' })
    expect(stderr).toContain(message)
  })

  it('classifies 10,000 rows of a CSV file, its columns kept, in less memory than they take', () => {
    const rows = Array.from({ length: 10_000 }, (_, at) => ({
      id: String(at),
      message: at % 3 === 0 ? `line one, "${at}"\nline two` : `text number ${at}`,
      label: at % 2 === 0 ? 'ham' : 'spam',
      filler: 'x'.repeat(5_000),
    }))
    write('rows.csv', stringify(rows, { header: true }))
    const choice = ['--model', 'unmerged', '--adapter', 'spam']
    const files = ['--input', 'rows.csv', '--output', 'classified.csv']
    // Of a file of 50 MB, twice as much in memory would end the process.
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--max-old-space-size=64', program, 'classify', ...choice, ...files],
      {
        cwd: fixture.dir,
        encoding: 'utf8',
      },
    )
    expect(status).toBe(0)
    expect(stderr).toMatch(/Classifying +100%/)
    const classified = readCsv(read('classified.csv'))
    expect(Object.keys(classified[0]!)).toEqual(['id', 'message', 'label', 'filler', 'label_2', 'score_2'])
    expect(classified).toMatchObject(rows)
    const last = graft('classify', ...choice, '--json', rows[9_999]!.message)
    const [expected] = JSON.parse(last.stdout) as { label: string; score: number }[]
    expect(classified[9_999]).toMatchObject({ label_2: expected!.label })
    expect(Number(classified[9_999]!.score_2)).toBeCloseTo(expected!.score, 5)
  }, 60_000)

  it('writes rows to stdout in the format of the input', () => {
    write('rows.jsonl', '{"text": "ok", "id": 7}\n{"text": "not ok", "id": 8}\n')
    const { status, stdout } = graft('classify', '--model', 'merged', '--input', 'rows.jsonl')
    expect(status).toBe(0)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    expect(lines).toMatchObject([
      { text: 'ok', id: 7, label: expect.any(String) },
      { text: 'not ok', id: 8 },
    ])
  })
})
