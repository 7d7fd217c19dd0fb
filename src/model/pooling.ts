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

/** Takes one row of each text: [batch · sequence, C] → [batch, C]. */
export type Select = (rows: tf.Tensor2D) => tf.Tensor2D

/**
 * The place of each text's rightmost real token, or of its first token where none is real: [batch, 1], as float32.
 * @param positions [sequence] 0, 1, 2, …
 * @param real [batch, sequence] as `realTokens` gives it
 */
export const lastPlace = (positions: tf.Tensor1D, real: tf.Tensor2D): tf.Tensor2D =>
  tf.max(tf.mul(tf.cast(positions, 'float32'), real), 1, true)

/** Selects each text's token at `lastPlace`. */
export const lastToken = (positions: tf.Tensor1D, real: tf.Tensor2D): Select =>
  selectBy(tf.equal(tf.cast(positions, 'float32'), lastPlace(positions, real)))

/** Selects each text's first token. */
export const firstToken = ({ inputIds }: TokenBatch, positions: tf.Tensor1D): Select =>
  selectBy(tf.equal(tf.add(tf.zerosLike(inputIds), positions), tf.scalar(0, 'int32')))

/**
 * A product with a one-hot matrix, so that its gradient is a product too.
 * @param chosen [batch, sequence], one place of each row
 */
function selectBy(chosen: tf.Tensor): Select {
  const [batch = 0, sequence = 0] = chosen.shape
  const selector = tf.reshape(tf.cast(chosen, 'float32'), [batch, 1, sequence])
  return (rows) => {
    const channels = rows.shape[1]
    return tf.reshape(tf.matMul(selector, tf.reshape(rows, [batch, sequence, channels])), [batch, channels])
  }
}
