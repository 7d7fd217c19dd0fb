/** The settings of a training run, and their defaults. */
import type { DeviceName } from '../core/devices.ts'
import type { LoraScaling, TargetModules } from '../core/lora.ts'
import type { LoopOptions } from './loop.ts'

export type TrainingMethod = 'lora' | 'full'

/** Settings that every kind of training has. */
export interface RunSettings extends LoopOptions {
  /** Texts, or sequences, a step. */
  batchSize: number
  weightDecay: number
  maxGradientNorm: number
  /** Decay of AdamW's second moments. */
  beta2: number
  seed: number
  device: DeviceName
}

export interface LoraSettings {
  rank: number
  alpha: number
  dropout: number
  scaling: LoraScaling
  targetModules: TargetModules
  initialization: 'normal' | 'kaiming'
}

/** Settings of `train`. */
export interface TrainSettings extends RunSettings {
  method: TrainingMethod
  /** LoRA's own settings; of no effect with `full`. */
  lora: LoraSettings
  /** Share of a text's tokens that training leaves out, other ones each time it is seen (word dropout, Iyyer et al. 2015). */
  tokenDropout: number
  /** Tokens after which texts are cut. */
  maxLength: number
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
  decay: 'linear',
  patience: 5,
  weightDecay: 0.01,
  maxGradientNorm: 1,
  // A token's row of an embedding adapter has a gradient now and then. With a long memory of how small gradients were, each of
  // them would move it by up to 30 learning rates; with this one, by five.
  beta2: 0.95,
  tokenDropout: 0,
  maxLength: 128,
  seed: 123,
  device: 'cpu',
})

/**
 * LoRA settings for a base that has read little, such as gpt-mini: its words' embeddings are adapted too, by small steps
 * (a low alpha), and texts lose some tokens each time they are seen.
 */
export function smallBaseDefaults(): TrainSettings {
  const { lora, ...others } = trainDefaults('lora')
  return {
    ...others,
    lora: { ...lora, rank: 4, alpha: 1, dropout: 0.1, targetModules: ['wte', 'c_attn', 'c_proj', 'c_fc'] },
    learningRate: 2e-3,
    tokenDropout: 0.3,
  }
}

/** Settings of `pretrain`. */
export interface PretrainSettings extends RunSettings {
  /** Tokens of a sequence. */
  sequenceLength: number
  /** Draws of the sampled softmax, a step. */
  samples: number
  /** Of embeddings and residuals; the rates in the base's configuration are for fine-tuning. */
  dropout: number
  /** Share of the sequences that the perplexity is measured on. */
  validation: number
  /**
   * Weight of a second objective: from each token's state a random one of its neighbours in the text. The last token's
   * state, which a classifier reads, then sums the text up. With 0 there is none.
   */
  neighbourLoss: number
  /** What the token embedding starts from: the base's, or which tokens stand near each other in the corpus. */
  embedding: 'base' | 'cooccurrence'
}

/** Settings that suit a corpus of some million words. */
export const pretrainDefaults = (): PretrainSettings => ({
  epochs: 3,
  batchSize: 16,
  sequenceLength: 256,
  samples: 4096,
  dropout: 0,
  validation: 0.01,
  neighbourLoss: 0,
  embedding: 'base',
  learningRate: 2e-3,
  warmup: 0.05,
  decay: 'cosine',
  weightDecay: 0.1,
  maxGradientNorm: 1,
  beta2: 0.999,
  evalEvery: 250,
  seed: 123,
  device: 'cpu',
})
