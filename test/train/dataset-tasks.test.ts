/** Data sets of several labels a text and of numbers: how they are read, split, stored and read back. */
import * as fc from 'fast-check'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type CreateDatasetOptions,
  type Dataset,
  createDataset,
  prepareDataset,
  readDataset,
  splitNames,
  writeDataset,
} from '../../src/train/dataset.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-dataset-tasks-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Writes a file, and makes a data set of it all in the training part as far as that goes. */
async function create(name: string, content: string, options: CreateDatasetOptions = {}): Promise<Dataset> {
  const file = join(folder, name)
  writeFileSync(file, content)
  return createDataset(file, { split: [0.5, 0.25, 0.25], ...options })
}

const labelsByText = ({ splits }: Dataset) =>
  Object.fromEntries(splitNames.flatMap((name) => splits[name].map(({ text, label }) => [text, label])))

const expected = { one: '["joy"]', two: '["anger","fear"]', three: '[]', four: '["fear"]' }
const multiLabel = { problemType: 'multi_label_classification' } as const

describe('a data set of several labels a text', () => {
  it.each([
    ['separated.csv', 'text,label\none,joy\ntwo,fear; anger\nthree,\nfour,fear;fear\n', { labelSeparator: ';' }],
    ['json.csv', 'text,label\none,joy\ntwo,"[""fear"",""anger""]"\nthree,[]\nfour,fear\n', multiLabel],
    [
      'lists.jsonl',
      '{"text":"one","labels":["joy"]}\n{"text":"two","labels":["fear","anger"]}\n{"text":"three","labels":[]}\n{"text":"four","labels":["fear"]}\n',
      multiLabel,
    ],
    [
      'columns.csv',
      'text,anger,fear,joy\none,0,0,1\ntwo,1,TRUE,0\nthree,false,0.0,0\nfour,0,1.0,0\n',
      { labelColumns: ['anger', 'fear', 'joy'] },
    ],
  ])('is read of %s', async (name, content, options) => {
    const dataset = await create(name, content, options)
    expect(dataset).toMatchObject({ problemType: 'multi_label_classification', labels: ['anger', 'fear', 'joy'] })
    expect(labelsByText(dataset)).toEqual(expected)
    expect(dataset.summary.read).toEqual({ rows: 4, perLabel: { anger: 1, fear: 2, joy: 1 } })
  })

  it('is stored, and read back as it was', async () => {
    const dataset = await create('store.csv', 'text,label\none,"a, b;c"\ntwo,c\nthree,\nfour,c\n', {
      labelSeparator: ';',
    })
    const out = join(folder, 'stored')
    await writeDataset(out, dataset)
    const { labels, problemType, splits } = await readDataset(out)
    expect({ labels, problemType }).toEqual({ labels: ['a, b', 'c'], problemType: 'multi_label_classification' })
    expect(labelsByText({ splits } as Dataset)).toEqual(labelsByText(dataset))
    expect(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'))).toMatchObject({ problemType })
  })

  it('drops texts that stand under other labels, and keeps one of those under the same in another order', async () => {
    const rows = 'text,label\none,a;b\none,b;a\ntwo,a\ntwo,a;b\nthree,a\nfour,b\nfive,a\nsix,b\nseven,\n'
    const { summary } = await create('repeats.csv', rows, { labelSeparator: ';' })
    expect(summary.dropped).toMatchObject({ repeats: 1, conflicts: 2 })
  })

  it.each([
    [
      'columns-wrong.csv',
      'text,a,b\none,0,1\ntwo,2,0\n',
      { labelColumns: ['a', 'b'] },
      'line 3: "a" is "2", neither 0 nor 1',
    ],
    ['columns-missing.csv', 'text,a,b\none,0,1\n', { labelColumns: ['a', 'c'] }, 'there is no column "c"'],
    ['list.csv', 'text,label\none,[joy\n', multiLabel, 'line 2: [joy is no list of labels'],
    ['single.jsonl', '{"text":"one","label":["joy"]}\n', {}, 'line 1: "label" is ["joy"], not text'],
    ['balance.csv', 'text,label\none,a\ntwo,b\nthree,a\nfour,b\n', { ...multiLabel, balance: true }, 'balance is for'],
    [
      'both.csv',
      'text,label\none,1\n',
      { problemType: 'regression', labelSeparator: ';' } as const,
      'are for multi_label',
    ],
  ])('names what is wrong in %s', async (name, content, options, message) => {
    await expect(create(name, content, options)).rejects.toThrow(message)
  })

  it('gives each label its share of each part', async () => {
    const names = ['a', 'b', 'c', 'd']
    const sets = fc.array(fc.subarray(names), { minLength: 150, maxLength: 300 })
    await fc.assert(
      fc.asyncProperty(sets, fc.nat(), async (all, seed) => {
        const rows = all.map((labels, line) => ({
          text: `text ${line}`,
          label: JSON.stringify(labels),
          file: 'x',
          line,
        }))
        const { splits, summary } = await prepareDataset(rows, { ...multiLabel, labels: names, seed })
        const texts = splitNames.flatMap((name) => splits[name].map(({ text }) => text))
        expect(texts.toSorted()).toEqual(rows.map(({ text }) => text).toSorted())
        for (const [part, share] of [0.7, 0.1, 0.2].entries()) {
          const { rows: count, perLabel } = summary.splits[splitNames[part]!]
          expect(Math.abs(count - share * rows.length)).toBeLessThanOrEqual(4)
          for (const name of names)
            expect(Math.abs(perLabel[name]! - share * summary.read.perLabel[name]!)).toBeLessThanOrEqual(4)
        }
      }),
      { numRuns: 10 },
    )
  })
})

describe('a data set of numbers', () => {
  const numbers = Array.from({ length: 200 }, (_, at) => `text ${at},${(at * 37) % 101}.50`).join('\n')

  it('is read, named as its column, and split so that each part has small and large ones', async () => {
    const options = { problemType: 'regression', label: 'stars', split: [0.7, 0.1, 0.2], seed: 3 } as const
    const dataset = await create('numbers.csv', `text,stars\n${numbers}\n`, options)
    expect(dataset).toMatchObject({ problemType: 'regression', labels: ['stars'] })
    expect(dataset.summary.read).toEqual({ rows: 200, perLabel: {} })
    expect(splitNames.map((name) => dataset.splits[name].length)).toEqual([140, 20, 40])
    for (const name of splitNames) {
      const values = dataset.splits[name].map(({ label }) => Number(label))
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      expect(Math.abs(mean - 50)).toBeLessThan(5)
    }
    const out = join(folder, 'stored-numbers')
    await writeDataset(out, dataset)
    const read = await readDataset(out)
    expect(read).toMatchObject({ problemType: 'regression', labels: ['stars'] })
    expect(labelsByText(read)).toEqual(labelsByText(dataset))
  })

  it.each([
    ['comma.csv', 'text,label\none,"3,5"\n', 'line 2: "3,5" is no number'],
    ['word.csv', 'text,label\none,1\ntwo,good\n', 'line 3: "good" is no number'],
    ['empty.csv', 'text,label\none,1\ntwo,\n', 'line 3: no label in column "label"'],
    ['few.csv', 'text,label\none,1\ntwo,2\n', 'there are 2 rows, too few for this split: its'],
    ['same.csv', 'text,label\none,1\ntwo,1.0\nthree,1\nfour,1\n', 'all rows have the label "1"'],
  ])('names what is wrong in %s', async (name, content, message) => {
    await expect(create(name, content, { problemType: 'regression' })).rejects.toThrow(message)
  })
})
