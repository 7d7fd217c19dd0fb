/** What a run trains on: its batches, and how well the model does. Implementations are in `task/`. */
import type { Engine, Feeds } from './engine.ts'

export interface TrainingBatch {
  feeds: Feeds
  /** Real tokens, padding not counted. */
  tokens: number
  /** Share of a step's predictions that are right, where that is a measure of the task. */
  accuracy?(prediction: Float32Array): number
}

/** Measured on the validation set. */
export interface TaskMetrics {
  /** Mean cross-entropy, in nats. */
  loss: number
  accuracy?: number
  macroF1?: number
}

export interface TrainingTask {
  /** Steps of an epoch. */
  readonly stepsPerEpoch: number
  /** An epoch's batches, made when they are called for. They depend on the seed and the epoch alone, so that a resumed run sees the same. */
  batches(epoch: number): (() => TrainingBatch)[]
  evaluate(engine: Engine): Promise<TaskMetrics>
}
