/** What `summary.json` says about a data set: what was read, dropped and kept, and how long the texts are. */
import { z } from 'zod'
import { type ProblemType, problemTypes } from '../../core/task.ts'
import { labelFormat } from '../../core/label-formats.ts'
import { byLabel } from '../../core/schema.ts'
import type { LabelledExample, Splits } from '../dataset.ts'

const count = z.number().int().nonnegative()

const tally = z.object({
  rows: count,
  /** Rows by label name, in the order of the labels' ids; none of a regression. */
  perLabel: byLabel(count),
})

/** Number of rows, in all and by label. */
export type Tally = z.infer<typeof tally>

export const summarySchema = z.object({
  formatVersion: z.literal(1),
  /** Label names by id. */
  labels: z.array(z.string()).min(1),
  /** Left out where each text has one label. */
  problemType: z.enum(problemTypes).optional(),
  /** Rows of the source that have a text, without those of a validation or test file. */
  read: tally,
  /** Rows left out, by reason, in the order in which they were. */
  dropped: z.object({
    /** There is no text. */
    blank: count.default(0),
    /** The same text was there already. */
    repeats: count,
    /** The same text was there already, but for white space. */
    respaced: count,
    /** The same text stands under two labels: all its rows. */
    conflicts: count,
    /** The text is in the test file. */
    inTest: count,
    /** The text is in the validation file. */
    inValidation: count.default(0),
    /** Undersampled to the size of the smallest class. */
    balance: count,
  }),
  splits: z.object({ train: tally, validation: tally, test: tally }),
  /** Lengths of all kept texts in GPT-2 tokens. */
  tokens: z.object({ mean: z.number(), p50: count, p90: count, p95: count, p99: count, max: count }),
  /** Texts longer than `length` tokens, which training cuts off there; only where a length was given. */
  truncation: z.object({ length: z.number().int().positive(), texts: count }).optional(),
  /** Shares of train, validation and test; 0 for a part that has a file of its own. */
  split: z.tuple([z.number(), z.number(), z.number()]),
  seed: z.number().int(),
  /** Files that the rows come from: the source, then the validation and the test file where there is one. */
  sources: z.array(z.object({ file: z.string(), sha256: z.string() })),
})

export type DatasetSummary = z.infer<typeof summarySchema>

/** What is counted: the labels of a kind of task. */
export interface Counted {
  labels: readonly string[]
  problemType?: ProblemType | undefined
}

/** Counts rows by label; a row of several counts for each of them. */
export function tallyLabels({ labels, problemType }: Counted, examples: readonly LabelledExample[]): Tally {
  if (problemType === 'regression') return { rows: examples.length, perLabel: {} }
  const { names } = labelFormat(problemType)
  const counts = new Map(labels.map((label) => [label, 0]))
  for (const { label } of examples) for (const name of names(label)) counts.set(name, (counts.get(name) ?? 0) + 1)
  return { rows: examples.length, perLabel: Object.fromEntries(counts) }
}

/** Counts the rows of each part by label. */
export const tallySplits = (counted: Counted, splits: Splits): DatasetSummary['splits'] => ({
  train: tallyLabels(counted, splits.train),
  validation: tallyLabels(counted, splits.validation),
  test: tallyLabels(counted, splits.test),
})
