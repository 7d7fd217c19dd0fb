/** What a run trains on: its batches, and how well the model does. Implementations are in `task/`. */
import type { Calibrated } from '../core/evaluator.ts'
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
  /** Mean cross-entropy, in nats; of a regression, mean squared error. */
  loss: number
  /** How well the task is done, higher for better: accuracy; micro-F1 of several labels; R² of a regression. */
  score?: number
  /** The same after calibration, where the task has one. */
  calibratedLoss?: number
  accuracy?: number
  macroF1?: number
}

/** What checkpoints are told apart by. */
export interface TaskEvaluation extends TaskMetrics {
  /** For each validation text how wrong its answer is; 0 for a right one. */
  errors?: number[]
}

export interface TrainingTask {
  /** Steps of an epoch. */
  readonly stepsPerEpoch: number
  /** An epoch's batches, made when they are called for. They depend on the seed and the epoch alone, so that a resumed run sees the same. */
  batches(epoch: number): (() => TrainingBatch)[]
  evaluate(engine: Engine): Promise<TaskEvaluation>
  /** Whether an evaluation is better than the best before it, as far as the validation set can tell. */
  isBetter(evaluation: TaskEvaluation, best: TaskEvaluation): boolean
  /**
   * What the kept checkpoint's logits are to be divided by, so that its confidence is honest, and the thresholds of its labels. Left
   * out where a task has no confidence.
   */
  calibrate?(engine: Engine): Promise<Calibrated>
}
