/** Evaluation of a classifier on labelled token sequences. */
import { type Batch, bucketBatches, padBatch } from '../core/batch.ts'
import { type Calibration, calibrationOf } from '../core/calibration.ts'
import { type Metrics, argMax, evaluate, meanCrossEntropy, softmax } from '../core/metrics.ts'

/** Texts as the model sees them. */
export interface EncodedSet {
  /** Token ids of each text. */
  sequences: number[][]
  /** Label id of each text. */
  labels: number[]
}

export interface Evaluation {
  /** Mean cross-entropy, in nats. */
  loss: number
  metrics: Metrics
  /** How honest its confidence is. */
  calibration: Calibration
  /** [texts][labels], in the order of the set. */
  logits: Float32Array[]
  /** [texts][labels], in the order of the set. */
  probabilities: Float64Array[]
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
  labels: readonly string[],
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
  const probabilities = all.map((row) => softmax(row))
  return {
    loss: meanCrossEntropy(set.labels, probabilities),
    metrics: evaluate(labels, set.labels, probabilities),
    calibration: calibrationOf(set.labels, probabilities),
    logits: all,
    probabilities,
  }
}

/** Share of rows whose largest logit is that of their label. */
export function batchAccuracy(logits: Float32Array, labels: Int32Array): number {
  const width = logits.length / labels.length
  const hits = labels.reduce(
    (sum, label, row) => sum + (argMax(logits.subarray(row * width, (row + 1) * width)) === label ? 1 : 0),
    0,
  )
  return hits / labels.length
}
