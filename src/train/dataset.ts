/** Labelled texts, from a user's file to the train, validation and test parts of a data set on disk. */
import type { ProblemType } from '../core/task.ts'
import type { SplitName } from './dataset/split.ts'
import type { DatasetSummary } from './dataset/summary.ts'

export { createDataset } from './dataset/create.ts'
export type { CreateDatasetOptions } from './dataset/create.ts'
export type { ColumnOptions } from '../core/columns.ts'
export { readDataset, writeDataset } from './dataset/files.ts'
export type { StoredDataset } from './dataset/files.ts'
export type { TableSource } from '../core/table.ts'
export { findParts } from './dataset/parts.ts'
export { prepareDataset } from './dataset/prepare.ts'
export type { PrepareOptions } from './dataset/prepare.ts'
export { readExamples, readLabelledExamples } from './dataset/read.ts'
export type { ReadOptions, TableInput } from './dataset/read.ts'
export { splitNames } from './dataset/split.ts'
export type { SplitName } from './dataset/split.ts'
export type { DatasetSummary } from './dataset/summary.ts'

/** A text as it stands in a file. */
export interface Example {
  text: string
  label?: string
  file: string
  /** 1-based line at which its row starts. */
  line: number
}

export interface LabelledExample extends Example {
  /** A name; several as a list in JSON, such as `["anger","fear"]`; or a number. */
  label: string
}

export type Splits = Record<SplitName, LabelledExample[]>

export interface Dataset {
  /** Label names by id; of a regression, the number's. */
  labels: string[]
  /** One label for each text, by default. */
  problemType?: ProblemType
  splits: Splits
  summary: DatasetSummary
}
