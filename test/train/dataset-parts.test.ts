/** Sets that come split: their files by name or as options, shares of what is not given, and what may not be in two parts. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDataset, readDataset } from '../../src/train/dataset.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-parts-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Rows of two labels, with texts of their own. */
const csv = (prefix: string, rows: number) =>
  `text,label\n${Array.from({ length: rows }, (_, at) => `${prefix} ${at},${at % 2 ? 'ham' : 'spam'}\n`).join('')}`

function write(dir: string, files: Record<string, string>): string {
  mkdirSync(join(folder, dir), { recursive: true })
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, dir, name), content)
  return join(folder, dir)
}

const sizes = ({ splits }: Awaited<ReturnType<typeof createDataset>>) => [
  splits.train.length,
  splits.validation.length,
  splits.test.length,
]

describe('parts that are given', () => {
  it.each([
    ['validation and test', ['validation', 'test'], undefined, [100, 10, 20]],
    ['test, the rest by default', ['test'], undefined, [88, 12, 20]],
    ['test, the rest in shares', ['test'], [0.9, 0.1], [90, 10, 20]],
    ['validation, the rest in shares', ['validation'], [0.75, 0.25], [74, 10, 26]],
    ['none', [], undefined, [70, 10, 20]],
  ] as const)('%s', async (_, given, split, expected) => {
    const dir = write('given', { 'a.csv': csv('a', 100), 'validation.tsv': csv('v', 10), 'test.csv': csv('t', 20) })
    writeFileSync(join(dir, 'validation.csv'), csv('v', 10))
    const parts = Object.fromEntries(given.map((name) => [name, join(dir, `${name}.csv`)]))
    const dataset = await createDataset(join(dir, 'a.csv'), { ...parts, split })
    expect(sizes(dataset)).toEqual(expected)
    expect(dataset.summary.sources.map(({ file }) => file)).toEqual(['a.csv', ...given.map((name) => `${name}.csv`)])
    expect(dataset.summary.split.map((share) => share > 0)).toEqual([
      true,
      !given.some((name) => name === 'validation'),
      !given.some((name) => name === 'test'),
    ])
  })

  it('keep no text that a later part has, and say how many had', async () => {
    const dir = write('repeats', {
      'train.csv': `${csv('a', 100)}v 1,ham\nt  1,ham\nt 2,spam\n`,
      'validation.csv': `${csv('v', 10)}t 3,ham\n`,
      'test.csv': csv('t', 20),
    })
    const dataset = await createDataset(join(dir, 'train.csv'), {
      validation: join(dir, 'validation.csv'),
      test: join(dir, 'test.csv'),
    })
    expect(sizes(dataset)).toEqual([100, 10, 20])
    expect(dataset.summary.dropped).toMatchObject({ inTest: 3, inValidation: 1 })
  })

  it('name all labels that the training rows do not have', async () => {
    const dir = write('labels', { 'a.csv': csv('a', 40), 'test.csv': `${csv('t', 6)}x,eggs\ny,bacon\nz,eggs\n` })
    await expect(createDataset(join(dir, 'a.csv'), { test: join(dir, 'test.csv') })).rejects.toMatchObject({
      code: 'data-label',
      message: expect.stringMatching(/test\.csv, line 8: unknown label: "bacon", "eggs" are not in the training rows/),
      line: 8,
    })
  })

  it('leave rows without a text out, and count them', async () => {
    const dir = write('blank', { 'a.csv': `${csv('a', 40)},ham\n"  ",spam\n`, 'test.csv': `${csv('t', 6)},ham\n` })
    const { summary } = await createDataset(join(dir, 'a.csv'), { test: join(dir, 'test.csv') })
    expect(summary.dropped.blank).toBe(3)
    expect(summary.read.rows).toBe(40)
  })

  const refused: [title: string, given: ('test' | 'validation')[], split: number[], hint: string][] = [
    ['three shares beside a test part', ['test'], [0.7, 0.1, 0.2], '--split 0.9,0.1'],
    ['two shares for three parts', [], [0.9, 0.1], '--split 0.7,0.1,0.2'],
    ['shares of nothing', ['test', 'validation'], [0.9, 0.1], 'Leave --split out'],
  ]
  it.each(refused)('refuse %s', async (_, given, split, hint) => {
    const dir = write('shares', { 'a.csv': csv('a', 40), 'part.csv': csv('t', 6) })
    const parts = Object.fromEntries(given.map((name) => [name, join(dir, 'part.csv')]))
    await expect(createDataset(join(dir, 'a.csv'), { ...parts, split })).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining(hint),
    })
  })
})

describe('a folder with a published split', () => {
  const jsonl = (text: string) => `${JSON.stringify({ sentence: text, label: 1 })}\n{"sentence":"${text}2","label":0}\n`

  it.each([
    ['train.csv', 'validation.csv', 'test.csv'],
    ['train.csv', 'dev.csv', 'test.csv'],
    ['Train.csv', 'val.csv', 'test.csv'],
    ['train.csv', 'valid.csv', 'test.csv'],
  ])('%s, %s, %s', async (train, validation, test) => {
    const files = { [train]: csv('a', 40), [validation]: csv('v', 4), [test]: csv('t', 6), 'README.md': 'about' }
    const dataset = await readDataset(write(`published-${validation}-${train}`, files))
    expect(sizes(dataset)).toEqual([40, 4, 6])
    expect(dataset.isPublished).toBe(true)
    expect(dataset.sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  it('may mix formats, and lack parts', async () => {
    const rows = Array.from({ length: 20 }, (_, at) => jsonl(`text ${at} `)).join('')
    const dataset = await readDataset(write('mixed', { 'train.jsonl': rows, 'test.tsv': 'text\tlabel\n"a\t1\nb\t0\n' }))
    expect(dataset.labels).toEqual(['0', '1'])
    expect(sizes(dataset)).toEqual([34, 6, 2])
    expect(dataset.splits.test.map(({ text }) => text)).toEqual(['"a', 'b'])
    const alone = await readDataset(write('alone', { 'train.csv': csv('a', 100) }))
    expect(sizes(alone)).toEqual([70, 10, 20])
    expect(await readDataset(join(folder, 'alone'))).toEqual(alone)
  })

  it('is refused with two files of one part, and says who can name columns', async () => {
    const two = write('two', { 'train.csv': csv('a', 40), 'dev.csv': csv('v', 4), 'validation.csv': csv('w', 4) })
    await expect(readDataset(two)).rejects.toMatchObject({
      code: 'data-split',
      message: expect.stringMatching(/dev\.csv and .*validation\.csv may be the validation part/),
    })
    const other = write('other', { 'train.csv': 'Nachricht,Art\na,b\n' })
    await expect(readDataset(other)).rejects.toMatchObject({
      code: 'data-column',
      hint: expect.stringContaining(`graft data ${other} --text COLUMN`),
    })
  })
})
