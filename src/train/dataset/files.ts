/** A data set as a folder: `train.csv`, `validation.csv`, `test.csv` and `summary.json`. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Papa from 'papaparse'
import { z } from 'zod'
import { GraftError } from '../../core/errors.ts'
import { labelFormat } from '../../core/label-formats.ts'
import type { TaskSpec } from '../../core/task.ts'
import { sha256File } from '../../files/hash.ts'
import { type Output, type WriteOptions, writeOutputFolder } from '../../files/output.ts'
import { readJson } from '../../files/read.ts'
import type { Dataset, LabelledExample } from '../dataset.ts'
import { createDataset } from './create.ts'
import { findParts } from './parts.ts'
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
  `${Papa.unparse([['label', 'text'], ...examples.map(({ label, text }) => [label, text])], { newline: '\n' })}\n`

/** A data set that was read from a folder. */
export interface StoredDataset extends Dataset {
  /** SHA-256 of the training part's file: says what a model was trained on. */
  sha256: string
  /** Whether the folder held a published split, of which the data set was made just now. */
  isPublished?: boolean
  /** The folder that it was read from. */
  dir?: string
}

const madeBy = 'Make a data set with `graft data`, or give a folder that holds train.csv, validation.csv and test.csv.'

/**
 * Reads a data set's folder: one of `writeDataset`, or one with a published split, `train.csv` and maybe `validation.csv`
 * (`dev`, `val`, `valid`) and `test.csv`, as TSV, JSON Lines or Parquet too. A part that such a one has not is taken from
 * the training part.
 * @throws GraftError `file-not-found`, `file-format` for a summary that is none, `data-label` for a label that it does not
 *   list, and what `createDataset` throws
 * @example
 * import { readDataset } from 'graft-lora/train'
 *
 * const { labels, splits } = await readDataset('runs/data')
 * console.log(labels, splits.test.length)
 */
export async function readDataset(dir: string): Promise<StoredDataset> {
  const path = join(dir, summaryFile)
  const { train, ...parts } = existsSync(path) ? {} : await findParts(dir)
  if (train !== undefined) {
    const dataset = await createDataset(train, parts).catch((error: unknown) => {
      throw asFolderError(error, dir)
    })
    return { ...dataset, sha256: dataset.summary.sources[0]!.sha256, dir, isPublished: true } // the training part's
  }
  const summary = summarySchema.safeParse(await readJson(path, madeBy))
  if (!summary.success) {
    const message = `${path} is not the summary of a data set: ${z.prettifyError(summary.error)}`
    throw new GraftError('file-format', message, { hint: madeBy, file: path })
  }
  const { labels, problemType } = summary.data
  const task = { labels, problemType }
  const splits = {
    train: await readSplit(dir, 'train', task),
    validation: await readSplit(dir, 'validation', task),
    test: await readSplit(dir, 'test', task),
  }
  const sha256 = await sha256File(join(dir, splitFile('train')))
  return { labels, ...(problemType && { problemType }), splits, summary: summary.data, sha256, dir }
}

/** Who reads a folder can name no columns: `graft data` can. */
function asFolderError(error: unknown, dir: string): unknown {
  if (!(error instanceof GraftError) || error.code !== 'data-column') return error
  const hint = `Make a data set of it first: \`graft data ${dir} --text COLUMN --label COLUMN --out FOLDER\`.`
  return new GraftError(error.code, error.message, { hint, file: error.file, value: error.value, cause: error })
}

async function readSplit(dir: string, name: SplitName, spec: TaskSpec): Promise<LabelledExample[]> {
  const { problemType, encoder } = labelFormat(spec.problemType)
  const check = encoder(spec.labels)
  const examples: LabelledExample[] = []
  for await (const example of readLabelledExamples(join(dir, splitFile(name)), { problemType })) {
    check(example.label, example)
    examples.push(example)
  }
  return examples
}
