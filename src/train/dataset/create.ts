/** Makes a data set of a user's tables. */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { ColumnOptions } from '../../core/columns.ts'
import type { TableOptions, TableSource } from '../../core/table.ts'
import { tableFile } from '../../files/table-file.ts'
import type { Dataset, LabelledExample } from '../dataset.ts'
import { type LabelOptions, askedProblemType } from './labels.ts'
import { type PrepareOptions, prepareDataset } from './prepare.ts'
import { type ReadOptions, type TableInput, readLabelledExamples } from './read.ts'
import type { DatasetSummary } from './summary.ts'

export interface CreateDatasetOptions
  extends
    ColumnOptions,
    LabelOptions,
    Pick<TableOptions, 'delimiter' | 'encoding'>,
    Omit<PrepareOptions, 'sources' | 'blank' | 'validation' | 'test' | 'problemType'> {
  /** A table whose rows are the validation set, where a split was already made by others. */
  validation?: TableInput | undefined
  /** A table whose rows are the test set, where a split was already made by others. */
  test?: TableInput | undefined
}

/**
 * Reads labelled texts and makes a data set of them. Rows without a text are left out, and counted in the summary.
 * @param source path of a CSV, TSV, JSON Lines or Parquet file, or of one in the SMS Spam Collection's form; or a stream
 * @throws GraftError as `readLabelledExamples` and `prepareDataset`
 * @example
 * import { createDataset } from 'graft-lora/train'
 *
 * const { labels, summary } = await createDataset('messages.csv', { split: [0.8, 0.1, 0.1], seed: 1 })
 * console.log(labels, summary.splits.train.rows)
 */
export async function createDataset(source: TableInput, options: CreateDatasetOptions = {}): Promise<Dataset> {
  const { text, label, labelSeparator, labelColumns, delimiter, encoding, validation, test, ...others } = options
  const problemType = askedProblemType(options)
  const reading = { text, label, labelSeparator, labelColumns, delimiter, encoding, problemType }
  // One after the other, so that the first one at fault is what is named.
  const parts: Part[] = []
  const read = async (input: TableInput | undefined) => {
    if (input === undefined) return undefined
    const part = await readPart(input, reading)
    parts.push(part)
    return part.examples
  }
  const train = (await read(source)) ?? []
  const given = { validation: await read(validation), test: await read(test) }
  return prepareDataset(train, {
    ...others,
    problemType,
    // A regression's number is called as its column.
    labels: others.labels ?? labelColumns ?? (problemType === 'regression' ? [label ?? 'value'] : undefined),
    ...given,
    sources: parts.map((part) => part.source),
    blank: parts.reduce((sum, part) => sum + part.blank, 0),
  })
}

interface Part {
  examples: LabelledExample[]
  source: DatasetSummary['sources'][number]
  blank: number
}

async function readPart(input: TableInput, options: ReadOptions): Promise<Part> {
  const { name, bytes } = typeof input === 'string' ? tableFile(input) : input
  const hash = createHash('sha256')
  const part = { examples: [] as LabelledExample[], blank: 0 }
  const onBlank = () => void part.blank++
  for await (const example of readLabelledExamples({ name, bytes: hashed(bytes, hash) }, { ...options, onBlank })) {
    part.examples.push(example)
  }
  return { ...part, source: { file: basename(name), sha256: hash.digest('hex') } }
}

/** Hashes a stream as it is read: a pipe can be read but once. */
async function* hashed(bytes: TableSource['bytes'], hash: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    hash.update(chunk)
    yield chunk
  }
}
