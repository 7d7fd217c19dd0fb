/** A data set as a folder: `train.csv`, `validation.csv`, `test.csv` and `summary.json`. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'csv-stringify/sync'
import { z } from 'zod'
import { GraftError } from '../../core/errors.ts'
import { createLabels } from '../../core/labels.ts'
import { sha256File } from '../../files/hash.ts'
import { type Output, type WriteOptions, writeOutputFolder } from '../../files/output.ts'
import { readJson } from '../../files/read.ts'
import type { Dataset, LabelledExample } from '../dataset.ts'
import { readLabelledExamples } from './read.ts'
import { splitNames } from './split.ts'
import type { SplitName } from './split.ts'
import { summarySchema } from './summary.ts'

const summaryFile = 'summary.json'
const splitFile = (name: SplitName) => `${name}.csv`

/**
 * Writes a data set, or nothing.
 * @throws GraftError `file-exists` for a folder that is there already, unless `force`; `file-write`
 * @example
 * import { createDataset, writeDataset } from 'graft-lora/train'
 *
 * await writeDataset('runs/other-data', await createDataset('messages.csv', { seed: 2 }))
 */
export async function writeDataset(out: Output, dataset: Dataset, options: WriteOptions = {}): Promise<void> {
  await writeOutputFolder(out, { kind: 'data set', ...options }, async (folder) => {
    for (const name of splitNames) await writeFile(join(folder, splitFile(name)), toCsv(dataset.splits[name]))
    await writeFile(join(folder, summaryFile), `${JSON.stringify(dataset.summary, null, 2)}\n`)
  })
}

const toCsv = (examples: readonly LabelledExample[]): string =>
  stringify(
    examples.map(({ label, text }) => [label, text]),
    { header: true, columns: ['label', 'text'] },
  )

/** A data set that was read from a folder. */
export interface StoredDataset extends Dataset {
  /** SHA-256 of `train.csv`: says what a model was trained on. */
  sha256: string
  /** The folder that it was read from. */
  dir?: string
}

const madeBy = 'Make a data set with `graft data`.'

/**
 * Reads a data set's folder.
 * @throws GraftError `file-not-found`, `file-format` for a summary that is none, `data-label` for a label that it does not
 *   list, and what reading CSV throws
 * @example
 * import { readDataset } from 'graft-lora/train'
 *
 * const { labels, splits } = await readDataset('runs/data')
 * console.log(labels, splits.test.length)
 */
export async function readDataset(dir: string): Promise<StoredDataset> {
  const path = join(dir, summaryFile)
  const summary = summarySchema.safeParse(await readJson(path, madeBy))
  if (!summary.success) {
    const message = `${path} is not the summary of a data set: ${z.prettifyError(summary.error)}`
    throw new GraftError('file-format', message, { hint: madeBy, file: path })
  }
  const { labels } = summary.data
  const [train, validation, test] = [
    await readSplit(dir, 'train', labels),
    await readSplit(dir, 'validation', labels),
    await readSplit(dir, 'test', labels),
  ]
  const sha256 = await sha256File(join(dir, splitFile('train')))
  return { labels, splits: { train, validation, test }, summary: summary.data, sha256, dir }
}

async function readSplit(dir: string, name: SplitName, names: readonly string[]): Promise<LabelledExample[]> {
  const labels = createLabels(names)
  const examples: LabelledExample[] = []
  for await (const example of readLabelledExamples(join(dir, splitFile(name)))) {
    labels.idOf(example.label, example)
    examples.push(example)
  }
  return examples
}
