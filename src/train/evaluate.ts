/** Evaluation of a classifier on labelled token sequences. */
import { type Batch, bucketBatches, padBatch } from '../core/batch.ts'
import { argMax } from '../core/metrics.ts'
import type { Evaluator, Measures } from '../core/evaluator.ts'
import type { Target } from '../core/task.ts'

/** Texts as the model sees them. */
export interface EncodedSet {
  /** Token ids of each text. */
  sequences: number[][]
  /** What each text's answer should be: its label's id, as long as it has one. */
  labels: Target[]
}

export interface Evaluation {
  measures: Measures
  /** [texts][labels], in the order of the set. */
  logits: Float32Array[]
  /** Probabilities, or the numbers of a regression: [texts][labels], in the order of the set. */
  scores: Float64Array[]
}

/** Rows of a batch in evaluation; more gain nothing on a CPU. */
const BATCH_SIZE = 32

/**
 * Runs a classifier over a set, in batches of similar lengths.
 * @param logits of a batch: [rows, labels]
 */
export async function evaluateSet(
  logits: (batch: Batch) => Promise<Float32Array>,
  set: EncodedSet,
  task: Evaluator,
  padTokenId: number,
): Promise<Evaluation> {
  const all: Float32Array[] = []
  const lengths = set.sequences.map(({ length }) => length)
  for (const indices of bucketBatches(lengths, { batchSize: BATCH_SIZE })) {
    const batch = padBatch(
      indices.map((index) => set.sequences[index] ?? []),
      padTokenId,
    )
    const values = await logits(batch)
    const width = values.length / batch.rows
    indices.forEach((index, row) => {
      all[index] = values.slice(row * width, (row + 1) * width)
    })
  }
  const scores = all.map((row) => task.scores(row))
  return { measures: task.measure(set.labels, scores), logits: all, scores }
}

/** Share of rows whose largest logit is that of their label. */
export function batchAccuracy(logits: Float32Array, labels: readonly number[]): number {
  const width = logits.length / labels.length
  const isRight = (label: number, row: number) => argMax(logits.subarray(row * width, (row + 1) * width)) === label
  return labels.filter(isRight).length / labels.length
}
