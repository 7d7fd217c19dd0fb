/** What runs training steps. Implementations are in `engine/`: compiled (ONNX Runtime) and eager (any TF.js backend). */
import type { Batch } from '../core/batch.ts'
import type { AdamWOptions } from './optimizer.ts'
import type { TrainingProgram } from './program.ts'

export interface LabelledBatch extends Batch {
  /** [rows] label ids. */
  labels: Int32Array
}

export interface StepOptions {
  learningRate: number
  /** 1 for the run's first step. */
  step: number
}

export interface StepResult {
  /** Mean over the batch. */
  loss: number
  /** [rows, labels], before the update. */
  logits: Float32Array
  /** L2 norm before clipping. */
  gradientNorm: number
}

/** Flat vectors by name (`<group>.values`, `<group>.m`, `<group>.v`). */
export type TrainingState = Map<string, Float32Array>

export interface Engine {
  readonly name: string
  step(batch: LabelledBatch, options: StepOptions): Promise<StepResult>
  /** Logits [rows, labels] without dropout. */
  evaluate(batch: Batch): Promise<Float32Array>
  /** A copy of parameters and moments. */
  state(): Promise<TrainingState>
  /** Replaces parameters and moments. */
  restore(state: TrainingState): Promise<void>
  dispose(): Promise<void>
}

export interface EngineOptions {
  program: TrainingProgram
  optimizer: AdamWOptions
  /** Seed of the dropout masks. */
  seed: number
}
