/** Training of a language model: all weights, by the next token's sampled softmax. */
import * as tf from '@tensorflow/tfjs'
import type { GPT2Config } from '../../core/config.ts'
import type { TensorMap } from '../../core/tensors.ts'
import { tokenLosses } from '../../model/language-model.ts'
import { denseLayers } from '../../model/layers.ts'
import { TOKEN_INPUTS, type TrainingProgram, allParameterGroups } from '../program.ts'

export interface LanguageModelOptions {
  config: GPT2Config
  /** The base, by Hugging Face names, without a head. */
  weights: TensorMap
  weightDecay: number
}

/** Predicts the loss of each token; `tokenLosses` says what the inputs are. */
export function languageModelProgram({ config, weights, weightDecay }: LanguageModelOptions): TrainingProgram {
  return {
    groups: allParameterGroups(weights, weightDecay),
    initial: weights,
    frozen: new Map(),
    usesDropout: config.embd_pdrop > 0 || config.resid_pdrop > 0,
    inputs: {
      ...TOKEN_INPUTS,
      next_candidates: { shape: ['batch', 'sequence'], dtype: 'int32' },
      candidates: { shape: ['candidates'], dtype: 'int32' },
      candidate_biases: { shape: ['candidates'] },
    },
    targets: {},
    predict: (tensors, dropoutSource) => tokenLosses(config, tensors, { layers: denseLayers(tensors), dropoutSource }),
    loss: (prediction) => tf.mean(prediction),
  }
}
