/** The settings of a training run, and their defaults. */
import type { LoraScaling, TargetModules } from '../core/lora.ts'
import type { LoopOptions } from './loop.ts'

export type TrainingMethod = 'lora' | 'full'

export interface LoraSettings {
  rank: number
  alpha: number
  dropout: number
  scaling: LoraScaling
  targetModules: TargetModules
  initialization: 'normal' | 'kaiming'
}

export interface TrainSettings extends LoopOptions {
  method: TrainingMethod
  /** LoRA's own settings; of no effect with `full`. */
  lora: LoraSettings
  weightDecay: number
  maxGradientNorm: number
  /** Tokens after which texts are cut. */
  maxLength: number
  engine: 'compiled' | 'eager'
}

/** Adapters start from nothing and take larger steps than weights that are trained already. */
export const LEARNING_RATES: Readonly<Record<TrainingMethod, number>> = { lora: 1e-3, full: 5e-4 }

/** Settings that do well on sets of some hundred to some thousand short texts. */
export const trainDefaults = (method: TrainingMethod): TrainSettings => ({
  method,
  lora: { rank: 8, alpha: 16, dropout: 0.05, scaling: 'peft', targetModules: 'all-linear', initialization: 'normal' },
  epochs: 5,
  batchSize: 16,
  learningRate: LEARNING_RATES[method],
  warmup: 0.1,
  weightDecay: 0.01,
  maxGradientNorm: 1,
  maxLength: 128,
  seed: 123,
  engine: 'compiled',
})
