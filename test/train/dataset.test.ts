/** Data sets: repeats, balancing and splits by their properties, errors, and the folder that is written and read back. */
import * as fc from 'fast-check'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDataset, prepareDataset, readDataset, splitNames, writeDataset } from '../../src/train/dataset.ts'
import type { Dataset, LabelledExample } from '../../src/train/dataset.ts'
import { sha256 } from '../../src/files/hash.ts'
import { hasSharedData, sharedData } from '../shared-data.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-dataset-'))
})
afterAll(() => rm(folder, { recursive: true }))

const example = (label: string, text: string, line = 1): LabelledExample => ({ label, text, file: 'x.csv', line })

/** As many rows of each label as asked for, no two alike. */
const rowsOf = (counts: Record<string, number>): LabelledExample[] =>
  Object.entries(counts).flatMap(([label, count]) =>
    Array.from({ length: count }, (_, i) => example(label, `${label} text ${i}`, i + 2)),
  )

const textsOf = ({ splits }: Dataset) => splitNames.flatMap((name) => splits[name].map(({ text }) => text))
const contents = ({ splits }: Dataset) => splitNames.map((name) => splits[name].map(({ label, text }) => [label, text]))

describe('prepareDataset', () => {
  it('keeps each row in one part, with every label’s share', async () => {
    const counts = fc.dictionary(fc.constantFrom('a', 'b', 'c', '1', '__proto__'), fc.integer({ min: 10, max: 90 }), {
      minKeys: 2,
    })
    await fc.assert(
      fc.asyncProperty(counts, fc.nat(), async (counts, seed) => {
        const rows = rowsOf(counts)
        const dataset = await prepareDataset(rows, { seed })
        expect(textsOf(dataset).toSorted()).toEqual(rows.map(({ text }) => text).toSorted())
        for (const [label, count] of Object.entries(counts)) {
          const sizes = splitNames.map((name) => dataset.splits[name].filter((row) => row.label === label).length)
          expect(sizes[1]).toBe(Math.round(0.1 * count))
          expect(sizes[2]).toBe(Math.round(0.2 * count))
        }
      }),
      { numRuns: 15 },
    )
  })

  it('is the same for the same seed and another for another', async () => {
    const rows = rowsOf({ a: 50, b: 80 })
    const options = { balance: true, seed: 5 }
    const first = contents(await prepareDataset(rows, options))
    expect(contents(await prepareDataset(rows, options))).toEqual(first)
    expect(contents(await prepareDataset(rows, { ...options, seed: 6 }))).not.toEqual(first)
  })

  it('mixes labels within each part', async () => {
    const { splits } = await prepareDataset(rowsOf({ a: 100, b: 100 }))
    const changes = splits.train.filter(({ label }, i) => label !== splits.train[i - 1]?.label).length
    expect(changes).toBeGreaterThan(40)
  })

  it('numbers labels in sorted or given order', async () => {
    const rows = rowsOf({ spam: 10, ham: 10 })
    expect((await prepareDataset(rows)).labels).toEqual(['ham', 'spam'])
    const given = await prepareDataset(rows, { labels: ['spam', 'ham'] })
    expect(given.labels).toEqual(['spam', 'ham'])
    expect(Object.keys(given.summary.read.perLabel)).toEqual(['spam', 'ham'])
  })

  it('undersamples to the rarest label', async () => {
    const { summary, splits } = await prepareDataset(rowsOf({ a: 200, b: 30, c: 50 }), { balance: true })
    expect(summary.dropped.balance).toBe(190)
    expect(summary.read).toEqual({ rows: 280, perLabel: { a: 200, b: 30, c: 50 } })
    expect(summary.splits.train).toEqual({ rows: 63, perLabel: { a: 21, b: 21, c: 21 } })
    expect(summary.splits.validation.perLabel).toEqual({ a: 3, b: 3, c: 3 })
    expect(splits.test.length).toBe(18)
  })

  it('drops repeats before it balances and splits, and texts under two labels altogether', async () => {
    const rows = [
      ...rowsOf({ a: 20, b: 20 }),
      ...rowsOf({ a: 5 }),
      example('b', ' b  text\t3 '),
      example('a', 'b text 7'),
      example('a', 'a text 0 '),
    ]
    const dataset = await prepareDataset(rows)
    expect(dataset.summary.dropped).toMatchObject({ repeats: 5, respaced: 2, conflicts: 2, inTest: 0, balance: 0 })
    expect(new Set(textsOf(dataset)).size).toBe(39)
    expect(textsOf(dataset)).not.toContain('b text 7')
    const kept = await prepareDataset(rows, { keepRepeats: true })
    expect(textsOf(kept).length).toBe(rows.length)
    expect(kept.summary.dropped).toMatchObject({ repeats: 0, respaced: 0, conflicts: 0 })
  })

  it('keeps a test set of others as it is, and its texts out of the rest', async () => {
    const test = [example('a', 'a  text 1'), example('b', 'new'), example('b', 'new')]
    const { splits, summary } = await prepareDataset(rowsOf({ a: 41, b: 40 }), { test })
    expect(splits.test).toEqual(test)
    expect(summary.dropped.inTest).toBe(1)
    // 0.7 and 0.1 of what 0.8 stands for.
    expect(summary.splits.train.rows).toBe(70)
    expect(summary.splits.validation.rows).toBe(10)
  })

  it('measures texts in tokens', async () => {
    const rows = [...rowsOf({ a: 0, b: 0 })]
    for (let i = 1; i <= 50; i++) rows.push(example('a', ' the'.repeat(i)), example('b', ' a'.repeat(i)))
    const { summary } = await prepareDataset(rows, { maxLength: 40 })
    expect(summary.tokens).toEqual({ mean: 25.5, p50: 25, p90: 45, p95: 48, p99: 50, max: 50 })
    expect(summary.truncation).toEqual({ length: 40, texts: 20 })
  })

  it.each([
    ['one label', rowsOf({ a: 20 }), {}, 'data-one-class', 'x.csv: all rows have the label "a"'],
    ['a small class', rowsOf({ a: 50, b: 4 }), {}, 'data-split', 'label "b" has 4 rows, too few for this split'],
    [
      'a listed label without rows',
      rowsOf({ a: 50, b: 50 }),
      { labels: ['a', 'b', 'c'] },
      'data-split',
      '"c" has 0 rows',
    ],
    [
      'an unlisted label',
      rowsOf({ a: 9, b: 9 }),
      { labels: ['a', 'c'] },
      'data-label',
      'x.csv, line 2: unknown label "b"',
    ],
    [
      'a label of the test set only',
      rowsOf({ a: 9, b: 9 }),
      { test: [example('c', 't', 8)] },
      'data-label',
      'line 8: unknown',
    ],
    ['shares of more than 1', rowsOf({ a: 9, b: 9 }), { split: [0.7, 0.2, 0.2] }, 'usage', '0.7, 0.2, 0.2'],
    ['two shares', rowsOf({ a: 9, b: 9 }), { split: [0.7, 0.3] }, 'usage', 'not three positive shares'],
    ['an empty share', rowsOf({ a: 9, b: 9 }), { split: [0.7, 0, 0.3] }, 'usage', 'not three positive shares'],
  ])('refuses %s', async (_, rows, options, code, message) => {
    await expect(prepareDataset(rows, options)).rejects.toMatchObject({
      name: 'GraftError',
      code,
      message: expect.stringContaining(message),
    })
  })
})

describe('a data set’s folder', () => {
  const awkward = [
    'plain',
    'with, comma',
    'with "quotes"',
    '"',
    'two\nlines\n',
    ' spaces ',
    '👍 é 世',
    '=1+1',
    "it's\ttab",
  ]

  it('reads back what was written, whatever the texts', async () => {
    const rows = rowsOf({ 'a, "b"': 20, b: 20 }).map((row, i) => ({
      ...row,
      text: `${awkward[i % awkward.length]}${i}`,
    }))
    const dataset = await prepareDataset(rows)
    const dir = join(folder, 'round-trip')
    await writeDataset(dir, dataset)
    const read = await readDataset(dir)
    expect(contents(read)).toEqual(contents(dataset))
    expect(read.labels).toEqual(dataset.labels)
    expect(read.summary).toEqual(JSON.parse(JSON.stringify(dataset.summary)))
    expect(read.sha256).toBe(sha256(readFileSync(join(dir, 'train.csv'))))
    await expect(writeDataset(dir, dataset)).rejects.toMatchObject({ code: 'file-exists' })
    await writeDataset(dir, dataset, { force: true })
  })

  it('has errors for what is no data set, and for labels that it does not list', async () => {
    await expect(readDataset(join(folder, 'none'))).rejects.toMatchObject({ code: 'file-not-found' })
    const dir = join(folder, 'edited')
    await writeDataset(dir, await prepareDataset(rowsOf({ a: 20, b: 20 })))
    writeFileSync(join(dir, 'validation.csv'), 'label,text\na,fine\nc,edited\n')
    await expect(readDataset(dir)).rejects.toThrow('validation.csv, line 3: unknown label "c"')
    writeFileSync(join(dir, 'summary.json'), '{"labels":["a"]}')
    await expect(readDataset(dir)).rejects.toMatchObject({ code: 'file-format' })
  })
})

describe('createDataset', () => {
  it('names the files with their hashes, and no folders', async () => {
    const source = join(folder, 'source.csv')
    const test = join(folder, 'test.csv')
    writeFileSync(source, `kind,words\n${Array.from({ length: 40 }, (_, i) => `${i % 2},text ${i}\n`).join('')}`)
    writeFileSync(test, 'kind,words\n1,text 3\n0,new\n')
    const { summary } = await createDataset(source, { text: 'words', label: 'kind', test })
    expect(summary.sources).toEqual([
      { file: 'source.csv', sha256: sha256(readFileSync(source)) },
      { file: 'test.csv', sha256: sha256(readFileSync(test)) },
    ])
    expect(summary.dropped.inTest).toBe(1)
    expect(existsSync(join(folder, 'out'))).toBe(false)
  })

  it.skipIf(!hasSharedData)('reports the SMS Spam Collection’s published counts', async () => {
    const { summary } = await createDataset(sharedData('sms-spam/SMSSpamCollection'), { balance: true })
    expect(summary.read).toEqual({ rows: 5_574, perLabel: { ham: 4_827, spam: 747 } })
    expect(summary.dropped).toMatchObject({ repeats: 403, respaced: 11, conflicts: 0 })
    expect(summary.splits.train.perLabel).toEqual({ ham: 450, spam: 450 })
  })

  it.skipIf(!hasSharedData)('takes a published split', async () => {
    const { summary, labels } = await createDataset(sharedData('banking77/train.csv'), {
      test: sharedData('banking77/test.csv'),
    })
    expect(labels.length).toBe(77)
    expect(summary.splits.test.rows).toBe(3_080)
    expect(new Set(Object.values(summary.splits.test.perLabel))).toEqual(new Set([40]))
  })
})
