/** GELU in its tanh form, GPT-2's activation (Hendrycks & Gimpel 2016, arXiv:1606.08415). */
import * as tf from '@tensorflow/tfjs'
import { composite } from '../composite.ts'

/** gelu(x) = x · σ(x · (K0 + K1·x²)), which is ½x · (1 + tanh(√(2/π) · (x + 0.044715x³))). */
const K0 = 2 * Math.sqrt(2 / Math.PI)
const K1 = K0 * 0.044715

const gate = (x: tf.Tensor, square: tf.Tensor) => tf.sigmoid(tf.mul(x, tf.add(tf.mul(square, K1), K0)))

const run = composite<{ x: tf.Tensor }, object>({
  name: 'Gelu',
  inputsToSave: ['x'],
  forward: ({ x }) => tf.mul(x, gate(x, tf.square(x))),
  gradient: (dy, [x]) => {
    if (!x) throw new Error('Gelu saved no input')
    return {
      // σ · (1 + (1 - σ) · x · (K0 + 3·K1·x²)), as few passes over memory as can be
      x: () => {
        const square = tf.square(x)
        const sigma = gate(x, square)
        const slope = tf.mul(x, tf.add(tf.mul(square, 3 * K1), K0))
        return tf.mul(dy, tf.mul(sigma, tf.add(tf.mul(tf.sub(1, sigma), slope), 1)))
      },
    }
  },
})

/** GELU (tanh form), elementwise. */
export const gelu = <T extends tf.Tensor>(x: T): T => run({ x }, {}) as T
