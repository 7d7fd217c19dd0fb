/** The labelled texts to evaluate on: a part of a data set, or a file of the user's own. */
import { stat } from 'node:fs/promises'
import { GraftError } from '../../core/errors.ts'
import { readError } from '../../files/read.ts'
import {
  type ColumnOptions,
  type LabelledExample,
  type SplitName,
  readDataset,
  readLabelledExamples,
} from '../../train/dataset.ts'

export interface DataOptions extends ColumnOptions {
  /** Part of a data set's folder; `test` by default. */
  split?: SplitName | undefined
}

/**
 * @param path a data set's folder, or a file
 * @throws GraftError `usage` for a part of a file, or columns of a folder; `file-not-found`, `file-read`, and what reading throws
 */
export async function readLabelledTexts(path: string, { split, ...columns }: DataOptions): Promise<LabelledExample[]> {
  const entry = await stat(path).catch((error: unknown) => {
    throw readError(error, path, 'Give a data set of `graft data`, or a file of labelled texts.')
  })
  if (entry.isDirectory()) {
    const { text, label } = columns
    if (text !== undefined || label !== undefined) throw misused(path, 'is a folder: --text and --label are for files')
    return (await readDataset(path)).splits[split ?? 'test']
  }
  if (split !== undefined) throw misused(path, 'is a file: --split is for the folder of a data set')
  const examples: LabelledExample[] = []
  for await (const example of readLabelledExamples(path, columns)) examples.push(example)
  return examples
}

const misused = (path: string, problem: string) =>
  new GraftError('usage', `${path} ${problem}`, { hint: 'Leave the option out, or give other data.', file: path })
