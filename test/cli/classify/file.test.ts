/** Files in, files out: columns kept, formats converted, bad rows refused, constant memory. */
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClassifyFileOptions, classifyFile, fileSize } from '../../../src/cli/classify/file.ts'
import { type Classifier, exportBundle, openBundle } from '../../../src/export/index.ts'
import { type Fixture, writeFixture } from '../../export/fixtures.ts'

let fixture: Fixture
let classifier: Classifier

beforeAll(async () => {
  fixture = await writeFixture()
  const dir = path('bundle')
  await exportBundle({ adapters: [{ dir: fixture.adapters.topic }], mode: 'merged', dir, probes: ['ok'] })
  classifier = await openBundle(dir, { threads: 1 })
})
afterAll(async () => {
  await classifier.close()
  await rm(fixture.dir, { recursive: true })
})

const path = (name: string) => join(fixture.dir, name)
const read = (name: string) => readFile(path(name), 'utf8')

/** Writes `content` to a file and classifies it. */
async function run(input: string, content: string, output: string, options: Partial<ClassifyFileOptions> = {}) {
  await writeFile(path(input), content)
  const { signal } = new AbortController()
  const files = { input: path(input), output: path(output) }
  return classifyFile(classifier, { ...files, signal, onProgress: () => {}, ...options })
}

describe('classifyFile', () => {
  it('keeps what JSON Lines hold, and adds the result', async () => {
    const rows = '{"text": "ok", "id": 7, "nested": {"a": [1]}}\n\n{"text": "not ok", "id": 8}\n'
    expect(await run('rows.jsonl', rows, 'rows-out.jsonl')).toMatchObject({ rows: 2, truncated: 0 })
    const lines = (await read('rows-out.jsonl')).trimEnd().split('\n')
    const [first, second] = lines.map((line): unknown => JSON.parse(line))
    const [expected] = await classifier.classify(['ok'])
    expect(first).toMatchObject({ text: 'ok', id: 7, nested: { a: [1] }, label: expected!.label })
    expect(second).toMatchObject({ id: 8, label: expect.any(String), score: expect.any(Number) })
  })

  it("adds every label's probability", async () => {
    await run('all.csv', 'text\nok\n', 'all-out.csv', { all: true })
    const [row] = parse(await read('all-out.csv'), { columns: true }) as Record<string, string>[]
    const columns = ['score_World', 'score_Sports', 'score_Business', 'score_Sci/Tech']
    expect(Object.keys(row!)).toEqual(['text', 'label', 'score', ...columns])
    expect(columns.reduce((sum, column) => sum + Number(row![column]), 0)).toBeCloseTo(1, 6)
  })

  it('leaves a label that is there, and converts formats', async () => {
    await run('collection', 'ham\tsee you later\nspam\t"Win" now!\nham\tok\n', 'collection.jsonl')
    const [, second] = (await read('collection.jsonl')).split('\n')
    expect(JSON.parse(second!)).toMatchObject({
      label: 'spam',
      text: '"Win" now!',
      label_2: expect.any(String),
    })
  })

  it('passes over labels, also where they are no labels', async () => {
    expect(await run('odd.jsonl', '{"text": "ok", "labels": ["a", "b"]}\n', 'odd-out.jsonl')).toMatchObject({ rows: 1 })
    expect(JSON.parse(await read('odd-out.jsonl'))).toMatchObject({ text: 'ok', labels: ['a', 'b'] })
  })

  it('takes a text of 1 MB, and counts what is cut', async () => {
    const summary = await run('long.csv', `body\n${'spam '.repeat(200_000)}\nshort\n`, 'long-out.csv', { text: 'body' })
    expect(summary).toMatchObject({ rows: 2, truncated: 1 })
  })

  it('reports the bytes that it has read', async () => {
    const bytes: number[] = []
    const content = `text\n${'"two\nlines"\n'.repeat(600)}`
    await run('progress.csv', content, 'progress-out.csv', { onProgress: (read) => bytes.push(read) })
    expect(bytes.length).toBe(2)
    expect(bytes.at(-1)).toBe(content.length)
    expect(fileSize(path('progress.csv'))).toBe(content.length)
  })

  it('gives blank texts no label, and counts them', async () => {
    const content = 'text,id\nok,1\n" ",2\n,3\nok,4\n'
    expect(await run('blank.csv', content, 'blank-out.csv')).toMatchObject({ rows: 4, blank: 2 })
    const rows = parse(await read('blank-out.csv'), { columns: true }) as Record<string, string>[]
    expect(rows.map(({ id, label }) => [id, label !== ''])).toEqual([
      ['1', true],
      ['2', false],
      ['3', false],
      ['4', true],
    ])
  })

  it('looks all rows of JSON Lines up for names that results must not take', async () => {
    const content = '{"text":"ok","id":1234567890123456789}\n{"text":"ok","label":"x","more":1.0}\n'
    await run('late.jsonl', content, 'late-out.jsonl')
    expect(await read('late-out.jsonl')).toMatch(
      /^{"text":"ok","id":1234567890123456789, "label_2": "\S+", "score_2": [\d.]+}\n{"text":"ok","label":"x","more":1.0, "label_2"/,
    )
    await run('late.jsonl', content, 'late-out.csv')
    expect(await read('late-out.csv')).toMatch(
      /^text,id,label,more,label_2,score_2\nok,1234567890123456789,,,\S+\nok,,x,1.0,/,
    )
  })

  it('stops when asked to, and writes nothing', async () => {
    const signal = AbortSignal.abort(new Error('stopped'))
    await expect(run('stop.csv', 'text\nok\n', 'stop-out.csv', { signal })).rejects.toThrow('stopped')
    expect(await readdir(fixture.dir)).not.toContain('stop-out.csv')
  })

  it.each([
    ['an object for a text', '{"text": {"a": 1}}\n', { code: 'data-row', line: 1 }],
    ['an empty file', '', { code: 'file-empty' }],
    ['a header alone', 'text,label\n', { code: 'file-empty' }],
    ['no column of texts', 'a,label\n1,2\n', { code: 'data-column' }],
    ['a row of too many fields', 'text\nok\na,b\n', { code: 'data-row', line: 3 }],
  ])('refuses %s and writes nothing', async (_, content, error) => {
    await writeFile(path('bad'), '')
    const before = await readdir(fixture.dir)
    await expect(run('bad', content, 'bad-out.csv')).rejects.toMatchObject(error)
    expect(await readdir(fixture.dir)).toEqual(before)
  })
})
