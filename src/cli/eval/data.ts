/** The labelled texts to evaluate on: a part of a data set, or a table of the user's own. */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { GraftError } from '../../core/errors.ts'
import {
  type LabelledExample,
  type ReadOptions,
  type SplitName,
  findParts,
  readDataset,
  readLabelledExamples,
} from '../../train/dataset.ts'
import { tableInput } from '../input.ts'

export interface DataOptions extends Omit<ReadOptions, 'onBlank'> {
  /** Part of a data set's folder; `test` by default. */
  split?: SplitName | undefined
}

export interface EvaluationData {
  texts: LabelledExample[]
  /** The part of the data set that they are. */
  split?: SplitName
  /** Rows without a text, which were left out. */
  blank: number
}

/**
 * @param path a data set's folder, one of a published split's files, or a file; `-` is standard input
 * @throws GraftError `usage` for a part of a file, or columns of a data set; `file-not-found`, `file-read`, and what reading throws
 */
export async function readLabelledTexts(path: string, { split, ...options }: DataOptions): Promise<EvaluationData> {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    if (split !== undefined) throw misused(path, 'is a file: --split is for the folder of a data set')
    return readFile(path, options)
  }
  const part = split ?? 'test'
  const file = existsSync(join(path, 'summary.json')) ? undefined : (await findParts(path))[part]
  if (file !== undefined) return { split: part, ...(await readFile(file, options)) }
  const { problemType: _, ...columns } = options
  const given = Object.entries(columns).find(([, value]) => value !== undefined)?.[0]
  if (given !== undefined) throw misused(path, `is a data set: --${given} is for files`)
  return { split: part, texts: (await readDataset(path)).splits[part], blank: 0 }
}

async function readFile(path: string, options: ReadOptions): Promise<Omit<EvaluationData, 'split'>> {
  const data = { texts: [] as LabelledExample[], blank: 0 }
  const onBlank = () => void data.blank++
  for await (const example of readLabelledExamples(tableInput(path), { ...options, onBlank })) data.texts.push(example)
  if (data.texts.length > 0) return data
  throw new GraftError('file-empty', `${path}: no row has a text`, { hint: 'Give a file with texts.', file: path })
}

const misused = (path: string, problem: string) =>
  new GraftError('usage', `${path} ${problem}`, { hint: 'Leave the option out, or give other data.', file: path })
