/**
 * Dropout whose mask is computed from two small vectors, so that every engine drops the same elements: the mask of
 * element (i, j) is fract(rows[i] · columns[j]) ≥ rate, with rows uniform in [0, 1), new for each step, and columns
 * uniform in [1, 1024), fixed for each place of use. Multiply, floor and subtract are exactly rounded everywhere, and a
 * step's input is one number a token instead of a mask for every layer.
 */
import * as tf from '@tensorflow/tfjs'
import type { Random } from '../../core/random.ts'

/** Random numbers of one step, and the generator of the fixed columns. */
export interface DropoutSource {
  /** [batch, sequence]: a uniform number in [0, 1) for each token. */
  rows: tf.Tensor2D
  /** Generates the columns; each place of use draws its own, in order. */
  random: Random
}

/**
 * Zeroes elements with probability `rate` and scales the others by 1 / (1 - rate).
 * @param x [batch · sequence, channels], or [batch, channels] behind the pooling, where a text's first number is used
 * @returns x itself where there is no source (evaluation) or the rate is 0
 */
export function dropout(x: tf.Tensor2D, rate: number, source: DropoutSource | undefined): tf.Tensor2D {
  if (!source || rate === 0) return x
  const { rows } = source
  const places = x.shape[0] === rows.size ? tf.reshape(rows, [rows.size, 1]) : tf.slice(rows, [0, 0], [-1, 1])
  const columns = Float32Array.from({ length: x.shape[1] }, () => 1 + 1023 * source.random.uniform())
  const product = tf.mul(places, tf.tensor2d(columns, [1, columns.length]))
  const uniform = tf.sub(product, tf.floor(product))
  const kept = tf.cast(tf.greaterEqual(uniform, rate), 'float32')
  return tf.mul(x, tf.mul(kept, 1 / (1 - rate)))
}
