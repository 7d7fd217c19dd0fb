/** GPT-2's language model: the output layer is the token embedding again. */
import * as tf from '@tensorflow/tfjs'
import type { GPT2Config } from '../core/config.ts'
import { type ForwardOptions, hiddenStates, tokenBatch } from './gpt2.ts'
import { gemm } from './ops/gemm.ts'
import { logSumExp } from './ops/log-sum-exp.ts'
import { type Tensors, parameter } from './parameters.ts'

/**
 * How surprised the model is by each next token: -log of its softmax probability, in nats.
 *
 * The softmax runs over `candidates`, not over the whole vocabulary, each candidate's term in the sum multiplied by
 * exp(candidate_biases). With all tokens and biases of 0 it is exact; with a sample, and the logarithm of 1 / (chance to
 * be in it) as biases, the sum is an unbiased estimate of the whole one (Horvitz & Thompson 1952; Jean et al. 2015,
 * arXiv:1412.2007).
 * @param tensors the model's weights, and `input_ids`, `attention_mask` [batch, sequence], `candidates` [candidates]
 *   token ids, `candidate_biases` [candidates], `next_candidates` [batch, sequence]: the place of each next token among
 *   the candidates
 * @returns [batch · sequence]
 */
export function tokenLosses(config: GPT2Config, tensors: Tensors, options: ForwardOptions): tf.Tensor1D {
  const hidden = hiddenStates(config, tensors, tokenBatch(tensors), { ...options, pool: false }) // [B·T, C]
  const candidates = tf.gather(parameter(tensors, 'transformer.wte.weight'), parameter(tensors, 'candidates')) // [S, C]
  const biases = parameter(tensors, 'candidate_biases') as tf.Tensor1D
  const logits = gemm(hidden, candidates, biases, { transposeB: true }) // [B·T, S]
  const next = tf.reshape(parameter(tensors, 'next_candidates'), [hidden.shape[0]])
  const own = tf.add(tf.sum(tf.mul(hidden, tf.gather(candidates, next)), 1), tf.gather(biases, next))
  return tf.sub(logSumExp(logits), own)
}
