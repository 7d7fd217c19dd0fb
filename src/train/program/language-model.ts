/** Training of a language model: all weights, by the sampled softmax of next tokens and, if asked for, of neighbours. */
import * as tf from '@tensorflow/tfjs'
import { modelOf } from '../../core/families.ts'
import type { ModelConfig } from '../../core/family.ts'
import type { TensorData, TensorMap } from '../../core/tensors.ts'
import { NEIGHBOUR_HEAD, tokenLosses } from '../../model/language-model.ts'
import { denseLayers } from '../../model/layers.ts'
import { TOKEN_INPUTS, type TrainingProgram, allParameterGroups } from '../program.ts'

export interface LanguageModelOptions {
  config: ModelConfig
  /** The base, without a head. */
  weights: TensorMap
  weightDecay: number
  /** How much the loss of neighbours counts beside that of next tokens; nothing where it is 0. */
  neighbourLoss: number
}

/** Predicts the loss of each token; `tokenLosses` says what the inputs are. */
export function languageModelProgram(options: LanguageModelOptions): TrainingProgram {
  const { config, weights, weightDecay, neighbourLoss } = options
  const shares = neighbourLoss > 0 ? [1, neighbourLoss] : [1]
  const initial =
    neighbourLoss > 0 ? new Map([...weights, [NEIGHBOUR_HEAD, halfIdentity(modelOf(config).sizes.width)]]) : weights
  return {
    groups: allParameterGroups(config, initial, weightDecay),
    initial,
    frozen: new Map(),
    usesDropout: modelOf(config).usesDropout,
    inputs: {
      ...TOKEN_INPUTS,
      next_candidates: { shape: ['batch', 'sequence'], dtype: 'int32' },
      candidates: { shape: ['candidates'], dtype: 'int32' },
      candidate_biases: { shape: ['candidates'] },
    },
    targets: neighbourLoss > 0 ? { neighbour_candidates: { shape: ['batch', 'sequence'], dtype: 'int32' } } : {},
    predict: (tensors, dropoutSource) =>
      tokenLosses(config, tensors, { layers: denseLayers(config, tensors), dropoutSource }),
    loss(prediction) {
      const means = tf.mean(tf.reshape(prediction, [shares.length, -1]), 1)
      return tf.sum(tf.mul(means, tf.tensor1d(shares)))
    },
  }
}

/** Where the neighbours' head starts: their logits are those of next tokens, less sure of themselves. */
function halfIdentity(size: number): TensorData {
  const data = new Float32Array(size * size)
  for (let at = 0; at < size; at++) data[at * size + at] = 0.5
  return { shape: [size, size], data }
}
