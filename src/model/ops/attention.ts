/** Causal self-attention with several heads (Vaswani et al. 2017, arXiv:1706.03762). */
import * as tf from '@tensorflow/tfjs'

/** Added to the score of a forbidden position: exp of it is 0, and it is finite, so a fully masked row gives no NaN. */
const FORBIDDEN = -1e9

/**
 * What is added to attention scores: 0 where position i may look at position j (j ≤ i, and j is a real token), -1e9 elsewhere.
 * @param positions [sequence] 0, 1, 2, …
 * @param attentionMask [batch, sequence] 1 for real tokens, as float32
 * @returns [batch, 1, sequence, sequence]
 */
export function attentionBias(positions: tf.Tensor1D, attentionMask: tf.Tensor2D): tf.Tensor4D {
  const [batch, sequence] = attentionMask.shape
  const causal = tf.lessEqual(tf.reshape(positions, [1, 1, 1, sequence]), tf.reshape(positions, [1, 1, sequence, 1]))
  const real = tf.greater(tf.reshape(attentionMask, [batch, 1, 1, sequence]), 0)
  return tf.mul(tf.sub(1, tf.cast(tf.logicalAnd(causal, real), 'float32')), FORBIDDEN)
}

/**
 * @param qkv [batch · sequence, 3 · channels]: queries, keys and values side by side, each of them head by head
 * @param bias [batch, 1, sequence, sequence]
 * @returns [batch · sequence, channels]
 */
export function causalAttention(qkv: tf.Tensor2D, bias: tf.Tensor4D, heads: number): tf.Tensor2D {
  const [batch, , sequence] = bias.shape
  const channels = qkv.shape[1] / 3
  const size = channels / heads
  const split = tf.transpose(tf.reshape(qkv, [batch, sequence, 3, heads, size]), [2, 0, 3, 1, 4]) // [3, B, H, T, size]
  const [query, key, value] = tf.unstack(split) as [tf.Tensor, tf.Tensor, tf.Tensor]
  const scores = tf.add(tf.matMul(tf.mul(query, 1 / Math.sqrt(size)), key, false, true), bias) // [B, H, T, T]
  const mixed = tf.matMul(tf.softmax(scores), value) // [B, H, T, size]
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch * sequence, channels])
}

/**
 * What is added to the scores of an encoder, whose positions look at all real tokens: 0 for those, -1e9 for padding.
 * @param attentionMask [batch, sequence] 1 for real tokens, as float32
 * @returns [batch, 1, 1, sequence]
 */
export function paddingBias(attentionMask: tf.Tensor2D): tf.Tensor4D {
  const [batch, sequence] = attentionMask.shape
  const real = tf.cast(tf.greater(tf.reshape(attentionMask, [batch, 1, 1, sequence]), 0), 'float32')
  return tf.mul(tf.sub(1, real), FORBIDDEN)
}

/**
 * @param query [batch · queries, channels], head by head; there may be fewer than keys
 * @param key [batch · sequence, channels]
 * @param value [batch · sequence, channels]
 * @param bias [batch, 1, queries or 1, sequence]
 * @returns [batch · queries, channels]
 */
export function attention(
  query: tf.Tensor2D,
  key: tf.Tensor2D,
  value: tf.Tensor2D,
  bias: tf.Tensor4D,
  { heads }: { heads: number },
): tf.Tensor2D {
  const [batch] = bias.shape
  const channels = query.shape[1]
  const size = channels / heads
  const split = (x: tf.Tensor2D) => tf.transpose(tf.reshape(x, [batch, x.shape[0] / batch, heads, size]), [0, 2, 1, 3])
  const scores = tf.matMul(split(tf.mul(query, 1 / Math.sqrt(size))), split(key), false, true) // [B, H, Q, T]
  const mixed = tf.matMul(tf.softmax(tf.add(scores, bias)), split(value)) // [B, H, Q, size]
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [query.shape[0], channels])
}
