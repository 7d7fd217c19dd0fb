/** Self-attention with several heads (Vaswani et al. 2017, arXiv:1706.03762). */
import * as tf from '@tensorflow/tfjs'
import { type Rotation, rotary } from './rotary.ts'

/** Added to the score of a forbidden position: exp of it is 0, and it is finite, so a fully masked row gives no NaN. */
const FORBIDDEN = -1e9

/**
 * What is added to the attention scores of a decoder: 0 where position i may look at position j (j ≤ i, and j is a real
 * token), -1e9 elsewhere.
 * @param positions [sequence] 0, 1, 2, …
 * @param attentionMask [batch, sequence] 1 for real tokens, as float32
 * @returns [batch, 1, sequence, sequence]
 */
export function attentionBias(positions: tf.Tensor1D, attentionMask: tf.Tensor2D): tf.Tensor4D {
  const { size } = positions
  const causal = tf.lessEqual(tf.reshape(positions, [1, 1, 1, size]), tf.reshape(positions, [1, 1, size, 1]))
  return biasOf(tf.logicalAnd(causal, realKeys(attentionMask)))
}

/**
 * The same for an encoder: every position may look at every real token.
 * @param attentionMask [batch, sequence] 1 for real tokens, as float32
 * @returns [batch, 1, 1, sequence]
 */
export const paddingBias = (attentionMask: tf.Tensor2D): tf.Tensor4D => biasOf(realKeys(attentionMask))

/** [batch, sequence] → [batch, 1, 1, sequence] */
function realKeys(attentionMask: tf.Tensor2D): tf.Tensor {
  const [batch, sequence] = attentionMask.shape
  return tf.greater(tf.reshape(attentionMask, [batch, 1, 1, sequence]), 0)
}

const biasOf = (allowed: tf.Tensor): tf.Tensor4D => tf.mul(tf.sub(1, tf.cast(allowed, 'float32')), FORBIDDEN)

export interface AttentionOptions {
  /** Query heads. */
  heads: number
  /** Key and value heads, each of which serves heads / keyValueHeads query heads that follow each other. */
  keyValueHeads?: number
  /** Turns queries and keys by their positions. */
  rotation?: Rotation | undefined
  /** Of queries that are fewer than keys. */
  queryRotation?: Rotation | undefined
}

/**
 * Attention of separate queries, keys and values, each of them head by head.
 * @param query [batch · queries, heads · size]; there may be fewer queries than keys
 * @param key [batch · sequence, keyValueHeads · size]
 * @param value [batch · sequence, keyValueHeads · size]
 * @param bias [batch, 1, queries, sequence] or [batch, 1, 1, sequence]
 * @returns [batch · queries, heads · size]
 */
export function attention(
  query: tf.Tensor2D,
  key: tf.Tensor2D,
  value: tf.Tensor2D,
  bias: tf.Tensor4D,
  { heads, keyValueHeads = heads, rotation, queryRotation = rotation }: AttentionOptions,
): tf.Tensor2D {
  const turned = (x: tf.Tensor4D, by: Rotation | undefined) => (by ? rotary(x, by) : x)
  const queries = turned(splitHeads(query, bias, heads), queryRotation)
  const keys = turned(splitHeads(key, bias, keyValueHeads), rotation)
  return joinHeads(attend(queries, keys, splitHeads(value, bias, keyValueHeads), bias))
}

/**
 * @param qkv [batch · sequence, 3 · channels]: queries, keys and values side by side, each of them head by head
 * @param bias [batch, 1, sequence, sequence]
 * @returns [batch · sequence, channels]
 */
export function causalAttention(qkv: tf.Tensor2D, bias: tf.Tensor4D, heads: number): tf.Tensor2D {
  const [batch, sequence] = [bias.shape[0], bias.shape[3]]
  const size = qkv.shape[1] / 3 / heads
  const split = tf.transpose(tf.reshape(qkv, [batch, sequence, 3, heads, size]), [2, 0, 3, 1, 4]) // [3, B, H, T, size]
  const [query, key, value] = tf.unstack(split) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D]
  return joinHeads(attend(query, key, value, bias))
}

/** [batch · rows, heads · size] → [batch, heads, rows, size] */
function splitHeads(x: tf.Tensor2D, { shape: [batch] }: tf.Tensor4D, heads: number): tf.Tensor4D {
  return tf.transpose(tf.reshape(x, [batch, x.shape[0] / batch, heads, x.shape[1] / heads]), [0, 2, 1, 3])
}

/** [batch, heads, sequence, size] → [batch · sequence, heads · size] */
function joinHeads(x: tf.Tensor4D): tf.Tensor2D {
  const [batch, heads, sequence, size] = x.shape
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch * sequence, heads * size])
}

/**
 * softmax(query · keyᵀ / √size + bias) · value. Query heads that share a key head are one long head to the products, so that
 * keys and values are not repeated (Ainslie et al. 2023, arXiv:2305.13245).
 * @param query [batch, heads, queries, size]
 * @param key [batch, keyValueHeads, sequence, size]
 * @param value [batch, keyValueHeads, sequence, size]
 * @returns [batch, heads, queries, size]
 */
function attend(query: tf.Tensor4D, key: tf.Tensor4D, value: tf.Tensor4D, bias: tf.Tensor4D): tf.Tensor4D {
  const [batch, heads, queries, size] = query.shape
  const [, keyValueHeads, sequence] = key.shape
  const rows = (heads / keyValueHeads) * queries // of a group: G · Q
  const scaled = tf.reshape(tf.mul(query, 1 / Math.sqrt(size)), [batch, keyValueHeads, rows, size])
  const products = tf.reshape(tf.matMul(scaled, key, false, true), [batch, heads, queries, sequence])
  const shares = tf.reshape(tf.softmax(tf.add(products, bias)), [batch, keyValueHeads, rows, sequence])
  return tf.reshape(tf.matMul(shares, value), [batch, heads, queries, size])
}
