/** Which token's state stands for a text. */
import * as tf from '@tensorflow/tfjs'
import type { TokenBatch } from './family.ts'

/**
 * [batch, sequence]: 1 for tokens that are neither masked nor the pad token. A text's own pad tokens end it, as in transformers.
 * @param padTokenId undefined for a model without one
 */
export function realTokens({ inputIds, attentionMask }: TokenBatch, padTokenId: number | undefined): tf.Tensor2D {
  const unmasked: tf.Tensor2D = tf.cast(attentionMask, 'float32')
  if (padTokenId === undefined) return unmasked
  return tf.mul(unmasked, tf.cast(tf.notEqual(inputIds, tf.scalar(padTokenId, 'int32')), 'float32'))
}

/**
 * The position of each text's rightmost real token, or of its first token where none is real: [batch], as float32.
 * @param positions [sequence] 0, 1, 2, …
 * @param real [batch, sequence] as `realTokens` gives it
 */
export const lastPlace = (positions: tf.Tensor1D, real: tf.Tensor2D): tf.Tensor1D =>
  tf.max(tf.mul(tf.cast(positions, 'float32'), real), 1)

/**
 * Selects the token at `lastPlace` of each text: [batch · sequence, C] → [batch, C]. A product with a one-hot matrix, so that its
 * gradient is a product too.
 */
export function lastToken(positions: tf.Tensor1D, real: tf.Tensor2D): (rows: tf.Tensor2D) => tf.Tensor2D {
  const [batch, sequence] = real.shape
  const last = tf.expandDims(lastPlace(positions, real), 1) // [B, 1]
  const selector = tf.reshape(tf.cast(tf.equal(tf.cast(positions, 'float32'), last), 'float32'), [batch, 1, sequence])
  return (rows) => {
    const channels = rows.shape[1]
    return tf.reshape(tf.matMul(selector, tf.reshape(rows, [batch, sequence, channels])), [batch, channels])
  }
}
