/** What `summary.json` says about a data set: what was read, dropped and kept, and how long the texts are. */
import { z } from 'zod'
import { byLabel } from '../../core/schema.ts'
import type { LabelledExample, Splits } from '../dataset.ts'

const count = z.number().int().nonnegative()

const tally = z.object({
  rows: count,
  /** Rows by label name, in the order of the labels' ids. */
  perLabel: byLabel(count),
})

/** Number of rows, in all and by label. */
export type Tally = z.infer<typeof tally>

export const summarySchema = z.object({
  formatVersion: z.literal(1),
  /** Label names by id. */
  labels: z.array(z.string()).min(2),
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

/** Counts rows by label. */
export function tallyLabels(labels: readonly string[], examples: readonly LabelledExample[]): Tally {
  const counts = new Map(labels.map((label) => [label, 0]))
  for (const { label } of examples) counts.set(label, (counts.get(label) ?? 0) + 1)
  return { rows: examples.length, perLabel: Object.fromEntries(counts) }
}

/** Counts the rows of each part by label. */
export const tallySplits = (labels: readonly string[], splits: Splits): DatasetSummary['splits'] => ({
  train: tallyLabels(labels, splits.train),
  validation: tallyLabels(labels, splits.validation),
  test: tallyLabels(labels, splits.test),
})
