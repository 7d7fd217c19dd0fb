/** Classification as a task: batches of labelled texts of similar lengths, accuracy on the validation set. */
import { bucketBatches, padBatch } from '../../core/batch.ts'
import { type Random, createRandom } from '../../core/random.ts'
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
  /** Share of the tokens that are left out of a text when it is trained on. */
  tokenDropout: number
  seed: number
}

export function classificationTask(options: ClassificationOptions): TrainingTask {
  const { train, validation, labels, padTokenId, batchSize, tokenDropout, seed } = options
  const lengths = train.sequences.map(({ length }) => length)

  function batch(indices: readonly number[], random: Random): TrainingBatch {
    const sequences = indices.map((index) => dropTokens(train.sequences[index] ?? [], tokenDropout, random))
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
      return bucketBatches(lengths, { batchSize, random }).map(
        (indices, at) => () => batch(indices, random.fork(`tokens ${at}`)),
      )
    },
    async evaluate(engine) {
      const logits = (padded: Parameters<typeof tokenFeeds>[0]) => engine.evaluate(tokenFeeds(padded))
      const { loss, metrics } = await evaluateSet(logits, validation, labels, padTokenId)
      return { loss, accuracy: metrics.accuracy, macroF1: metrics.macroF1 }
    },
  }
}

/** A text without a random share of its tokens; whole where nothing would be left. */
function dropTokens(tokens: readonly number[], share: number, random: Random): readonly number[] {
  if (share === 0) return tokens
  const kept = tokens.filter(() => random.uniform() >= share)
  return kept.length > 0 ? kept : tokens
}
