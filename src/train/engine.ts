/** What runs training steps. Implementations are in `engine/`: compiled (ONNX Runtime) and eager (any TF.js backend). */
import type { Batch } from '../core/batch.ts'
import type { StepProfile } from './engine/profile.ts'
import type { AdamWOptions } from './optimizer.ts'
import type { TrainingProgram } from './program.ts'

/** One tensor of a batch: whole numbers or floats, row-major. */
export interface Feed {
  data: Int32Array | Float32Array
  shape: number[]
}

/** A batch's tensors by the names of a program's inputs and targets. */
export interface Feeds extends Record<string, Feed> {
  /** [batch, sequence] */
  input_ids: Feed
}

/** The inputs that every program has. */
export function tokenFeeds({ inputIds, attentionMask, rows, length }: Batch): Feeds {
  const shape = [rows, length]
  return { input_ids: { data: inputIds, shape }, attention_mask: { data: attentionMask, shape } }
}

export interface StepOptions {
  learningRate: number
  /** 1 for the run's first step. */
  step: number
}

export interface StepResult {
  /** Mean over the batch. */
  loss: number
  /** What the program predicted, before the update. */
  prediction: Float32Array
  /** L2 norm before clipping. */
  gradientNorm: number
}

/** Flat vectors by name (`<group>.values`, `<group>.m`, `<group>.v`). */
export type TrainingState = Map<string, Float32Array>

export interface Engine {
  readonly name: string
  /** @param feeds the program's inputs and targets */
  step(feeds: Feeds, options: StepOptions): Promise<StepResult>
  /**
   * What the program predicts, without dropout.
   * @param feeds the program's inputs
   */
  evaluate(feeds: Feeds): Promise<Float32Array>
  /** A copy of parameters and moments. */
  state(): Promise<TrainingState>
  /** Replaces parameters and moments. */
  restore(state: TrainingState): Promise<void>
  /** Where the time of the first steps went, if that was asked for and there were enough. */
  profile?(): Promise<StepProfile | undefined>
  dispose(): Promise<void>
}

export interface EngineOptions {
  /** Its `frozen` weights are read while the engine is made, and not later. */
  program: TrainingProgram
  /** Called once they were read: who holds them may let them go. */
  onRead?: () => void
  optimizer: AdamWOptions
  /** Seed of the dropout masks. */
  seed: number
}
