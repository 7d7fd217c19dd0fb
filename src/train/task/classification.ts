/** Classification as a task: batches of labelled texts of similar lengths, accuracy on the validation set. */
import { bucketBatches, padBatch } from '../../core/batch.ts'
import { createRandom } from '../../core/random.ts'
import { tokenFeeds } from '../engine.ts'
import { type EncodedSet, batchAccuracy, evaluateSet } from '../evaluate.ts'
import type { TrainingBatch, TrainingTask } from '../task.ts'

export interface ClassificationOptions {
  train: EncodedSet
  validation: EncodedSet
  /** Label names by id. */
  labels: readonly string[]
  padTokenId: number
  batchSize: number
  seed: number
}

export function classificationTask(options: ClassificationOptions): TrainingTask {
  const { train, validation, labels, padTokenId, batchSize, seed } = options
  const lengths = train.sequences.map(({ length }) => length)

  function batch(indices: readonly number[]): TrainingBatch {
    const sequences = indices.map((index) => train.sequences[index] ?? [])
    const ids = Int32Array.from(indices, (index) => train.labels[index] ?? 0)
    return {
      feeds: { ...tokenFeeds(padBatch(sequences, padTokenId)), labels: { data: ids, shape: [ids.length] } },
      tokens: sequences.reduce((sum, { length }) => sum + length, 0),
      accuracy: (logits) => batchAccuracy(logits, ids),
    }
  }

  return {
    stepsPerEpoch: Math.ceil(lengths.length / batchSize),
    batches(epoch) {
      const random = createRandom(seed).fork(`epoch ${epoch}`)
      return bucketBatches(lengths, { batchSize, random }).map((indices) => () => batch(indices))
    },
    async evaluate(engine) {
      const logits = (padded: Parameters<typeof tokenFeeds>[0]) => engine.evaluate(tokenFeeds(padded))
      const { loss, metrics } = await evaluateSet(logits, validation, labels, padTokenId)
      return { loss, accuracy: metrics.accuracy, macroF1: metrics.macroF1 }
    },
  }
}
