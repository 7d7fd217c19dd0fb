/** Distillation as a task: batches of passages of similar lengths with their teacher's vectors, and how far the student's are from them. */
import { bucketBatches, padBatch } from '../../core/batch.ts'
import { createRandom } from '../../core/random.ts'
import { type Feed, tokenFeeds } from '../engine.ts'
import type { TrainingTask } from '../task.ts'

/** Passages as the student reads them, and the teacher's vectors of them. */
export interface TaughtPassages {
  sequences: readonly (readonly number[])[]
  /** [passages, width] */
  vectors: Float32Array
}

export interface DistillationTaskOptions {
  train: TaughtPassages
  validation: TaughtPassages
  /** Numbers of a vector. */
  width: number
  padTokenId: number
  batchSize: number
  seed: number
}

/** Passages of a batch in evaluation. */
const EVALUATION_BATCH = 64

export function distillationTask(options: DistillationTaskOptions): TrainingTask {
  const { train, validation, width, padTokenId, batchSize, seed } = options
  const lengthsOf = ({ sequences }: TaughtPassages) => sequences.map(({ length }) => length)
  const tokensOf = ({ sequences }: TaughtPassages, indices: readonly number[]) =>
    tokenFeeds(
      padBatch(
        indices.map((index) => sequences[index] ?? []),
        padTokenId,
      ),
    )
  return {
    stepsPerEpoch: Math.ceil(train.sequences.length / batchSize),
    batches(epoch) {
      const random = createRandom(seed).fork(`epoch ${epoch}`)
      return bucketBatches(lengthsOf(train), { batchSize, random }).map((indices) => () => {
        const feeds = { ...tokensOf(train, indices), teacher_vectors: vectorFeed(train, indices, width) }
        return { feeds, tokens: indices.reduce((sum, index) => sum + (train.sequences[index]?.length ?? 0), 0) }
      })
    },
    async evaluate(engine) {
      let cosines = 0
      for (const indices of bucketBatches(lengthsOf(validation), { batchSize: EVALUATION_BATCH })) {
        const vectors = await engine.evaluate(tokensOf(validation, indices))
        const { data } = vectorFeed(validation, indices, width)
        cosines += vectors.reduce((sum, value, at) => sum + value * (data[at] ?? NaN), 0)
      }
      const cosine = cosines / validation.sequences.length
      return { loss: 1 - cosine, score: cosine }
    },
    isBetter: (evaluation, best) => evaluation.loss < best.loss,
  }
}

function vectorFeed({ vectors }: TaughtPassages, indices: readonly number[], width: number): Feed {
  const data = new Float32Array(indices.length * width)
  for (const [row, index] of indices.entries())
    data.set(vectors.subarray(index * width, (index + 1) * width), row * width)
  return { data, shape: [indices.length, width] }
}
