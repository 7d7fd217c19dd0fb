/** GPT-2's language model: the output layer is the token embedding again. */
import * as tf from '@tensorflow/tfjs'
import type { ModelConfig } from '../core/family.ts'
import { states } from './families.ts'
import { type ForwardOptions, tokenBatch } from './family.ts'
import { gemm } from './ops/gemm.ts'
import { logSumExp } from './ops/log-sum-exp.ts'
import { type Tensors, parameter } from './parameters.ts'

/** A square matrix beside the model: it turns a token's state into one whose output layer predicts the token's neighbours. */
export const NEIGHBOUR_HEAD = 'neighbour.weight'

/**
 * How surprised the model is by each next token: -log of its softmax probability, in nats.
 *
 * The softmax runs over `candidates`, not over the whole vocabulary, each candidate's term in the sum multiplied by
 * exp(candidate_biases). With all tokens and biases of 0 it is exact; with a sample, and the logarithm of 1 / (chance to
 * be in it) as biases, the sum is an unbiased estimate of the whole one (Horvitz & Thompson 1952; Jean et al. 2015,
 * arXiv:1412.2007).
 * @param tensors the model's weights, and `input_ids`, `attention_mask` [batch, sequence], `candidates` [candidates]
 *   token ids, `candidate_biases` [candidates], `next_candidates` [batch, sequence]: the place of each next token among
 *   the candidates. With `neighbour_candidates` [batch, sequence], places of neighbours, and `neighbour.weight`
 *   [n_embd, n_embd], neighbours' losses follow those of next tokens.
 * @returns [batch · sequence], twice as many with neighbours
 */
export function tokenLosses(config: ModelConfig, tensors: Tensors, options: ForwardOptions): tf.Tensor1D {
  const hidden = states(config, tensors, tokenBatch(tensors), { ...options, pool: false }) // [B·T, C]
  const candidates = tf.gather(parameter(tensors, 'transformer.wte.weight'), parameter(tensors, 'candidates')) // [S, C]
  const biases = parameter(tensors, 'candidate_biases') as tf.Tensor1D
  const lossesOf = (rows: tf.Tensor2D, places: string): tf.Tensor1D => {
    const logits = gemm(rows, candidates, biases, { transposeB: true }) // [B·T, S]
    const right = tf.reshape(parameter(tensors, places), [rows.shape[0]])
    const own = tf.add(tf.sum(tf.mul(rows, tf.gather(candidates, right)), 1), tf.gather(biases, right))
    return tf.sub(logSumExp(logits), own)
  }
  const next = lossesOf(hidden, 'next_candidates')
  if (!('neighbour_candidates' in tensors)) return next
  const around = gemm(hidden, parameter(tensors, NEIGHBOUR_HEAD), undefined, { transposeB: true })
  return tf.concat([next, lossesOf(around, 'neighbour_candidates')])
}
