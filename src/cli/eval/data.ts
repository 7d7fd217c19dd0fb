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

export interface EvaluationData {
  texts: LabelledExample[]
  /** The part of the data set that they are. */
  split?: SplitName
}

/**
 * @param path a data set's folder, or a file
 * @throws GraftError `usage` for a part of a file, or columns of a folder; `file-not-found`, `file-read`, and what reading throws
 */
export async function readLabelledTexts(path: string, options: DataOptions): Promise<EvaluationData> {
  const entry = await stat(path).catch((error: unknown) => {
    throw readError(error, path, 'Give a data set of `graft data`, or a file of labelled texts.')
  })
  const { text, label } = options
  if (entry.isDirectory()) {
    if (text !== undefined || label !== undefined) throw misused(path, 'is a folder: --text and --label are for files')
    const { split = 'test' } = options
    return { split, texts: (await readDataset(path)).splits[split] }
  }
  if (options.split !== undefined) throw misused(path, 'is a file: --split is for the folder of a data set')
  const texts: LabelledExample[] = []
  for await (const example of readLabelledExamples(path, { text, label })) texts.push(example)
  return { texts }
}

const misused = (path: string, problem: string) =>
  new GraftError('usage', `${path} ${problem}`, { hint: 'Leave the option out, or give other data.', file: path })
