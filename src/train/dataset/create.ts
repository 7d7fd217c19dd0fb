/** Makes a data set of a user's files. */
import { basename } from 'node:path'
import { sha256File } from '../../files/hash.ts'
import type { Dataset } from '../dataset.ts'
import type { ColumnOptions } from '../../core/columns.ts'
import { prepareDataset } from './prepare.ts'
import type { PrepareOptions } from './prepare.ts'
import { readLabelledExamples } from './read.ts'

export interface CreateDatasetOptions extends ColumnOptions, Omit<PrepareOptions, 'sources' | 'test'> {
  /** A file whose rows are the test set, where a split was already made by others. */
  test?: string
}

/**
 * Reads labelled texts and makes a data set of them.
 * @param source path of a CSV, TSV or JSON Lines file, or of one in the SMS Spam Collection's form
 * @throws GraftError as `readLabelledExamples` and `prepareDataset`
 * @example
 * import { createDataset } from 'graft-lora/train'
 *
 * const { labels, summary } = await createDataset('messages.csv', { split: [0.8, 0.1, 0.1], seed: 1 })
 * console.log(labels, summary.splits.train.rows)
 */
export async function createDataset(source: string, options: CreateDatasetOptions = {}): Promise<Dataset> {
  const { text, label, test, ...others } = options
  const columns = { text, label }
  const files = test === undefined ? [source] : [source, test]
  return prepareDataset(readLabelledExamples(source, columns), {
    ...others,
    test: test === undefined ? undefined : readLabelledExamples(test, columns),
    sources: await Promise.all(files.map(async (file) => ({ file: basename(file), sha256: await sha256File(file) }))),
  })
}
