/** Batches of token ids: right padding, and buckets of similar lengths so that little padding is computed. */
import type { Random } from './random.ts'

/** Token ids of several texts, padded on the right to the longest. */
export interface Batch {
  /** [rows, length], row-major. */
  inputIds: Int32Array
  /** [rows, length]: 1 for a token, 0 for padding. */
  attentionMask: Int32Array
  rows: number
  length: number
}

/**
 * Pads token sequences to the longest of them. An empty one becomes a single pad token that counts as a token, so that
 * every row has a last token to classify from.
 */
export function padBatch(sequences: readonly (readonly number[])[], padTokenId: number): Batch {
  const rows = sequences.length
  const length = Math.max(1, ...sequences.map((ids) => ids.length))
  const inputIds = new Int32Array(rows * length).fill(padTokenId)
  const attentionMask = new Int32Array(rows * length)
  for (const [row, ids] of sequences.entries()) {
    const start = row * length
    inputIds.set(ids, start)
    attentionMask.fill(1, start, start + Math.max(1, ids.length))
  }
  return { inputIds, attentionMask, rows, length }
}

export interface BucketOptions {
  batchSize: number
  /** Given for training: batches and their order are drawn anew at each call. Without, batches are by length. */
  random?: Random
}

/** Batches that training sorts together: enough for little padding, few enough to keep batches well mixed. */
const WINDOW_BATCHES = 50

/**
 * Groups sequences of similar lengths into batches.
 *
 * With `random`, windows of 50 batches are drawn at random, each is sorted by length and cut, and the batches are
 * shuffled; without, all is sorted by length. All batches but one have `batchSize` rows.
 * @param lengths the sequences' lengths in tokens
 * @returns indices into `lengths`, each once
 */
export function bucketBatches(lengths: readonly number[], { batchSize, random }: BucketOptions): number[][] {
  const indices = Array.from(lengths.keys())
  const order = random ? random.shuffle(indices) : indices
  const windows = random ? cut(order, WINDOW_BATCHES * batchSize) : [order]
  const lengthOf = (index: number) => lengths[index]! // an index of this very array
  const batches = windows.flatMap((window) =>
    cut(
      window.toSorted((a, b) => lengthOf(a) - lengthOf(b)),
      batchSize,
    ),
  )
  return random ? random.shuffle(batches) : batches
}

/** Parts of `size` items each, the last of what is left. */
export function cut<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, part) =>
    items.slice(part * size, (part + 1) * size),
  )
}
