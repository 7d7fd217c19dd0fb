/** GELU (Hendrycks & Gimpel 2016, arXiv:1606.08415): exact as BERT has it, and in GPT-2's approximation by tanh. */
import * as tf from '@tensorflow/tfjs'
import { composite } from '../composite.ts'

/** As PyTorch names them: exact by erf, or approximated by tanh. */
export type GeluApproximation = 'none' | 'tanh'

/** The tanh form is x · σ(x · (K0 + K1·x²)), which is ½x · (1 + tanh(√(2/π) · (x + 0.044715x³))). */
const K0 = 2 * Math.sqrt(2 / Math.PI)
const K1 = K0 * 0.044715

const gate = (x: tf.Tensor, square: tf.Tensor) => tf.sigmoid(tf.mul(x, tf.add(tf.mul(square, K1), K0)))

/** Value and slope of each form, in as few passes over memory as can be. */
const forms: Record<GeluApproximation, { value(x: tf.Tensor): tf.Tensor; slope(x: tf.Tensor): tf.Tensor }> = {
  none: {
    value: (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
    // Φ(x) + x · φ(x), which with t = x / √2 is ½ · (1 + erf(t) + t · exp(ln(2/√π) - t²))
    slope: (x) => {
      const t = tf.mul(x, Math.SQRT1_2)
      const density = tf.mul(t, tf.exp(tf.sub(Math.log(2 / Math.sqrt(Math.PI)), tf.square(t))))
      return tf.add(tf.mul(tf.add(density, tf.erf(t)), 0.5), 0.5)
    },
  },
  tanh: {
    value: (x) => tf.mul(x, gate(x, tf.square(x))),
    // σ · (1 + (1 - σ) · x · (K0 + 3·K1·x²))
    slope: (x) => {
      const square = tf.square(x)
      const sigma = gate(x, square)
      const slope = tf.mul(x, tf.add(tf.mul(square, 3 * K1), K0))
      return tf.mul(sigma, tf.add(tf.mul(tf.sub(1, sigma), slope), 1))
    },
  },
}

const run = composite<{ x: tf.Tensor }, { approximate: GeluApproximation }>({
  name: 'Gelu',
  inputsToSave: ['x'],
  forward: ({ x }, { approximate }) => forms[approximate].value(x),
  gradient: (dy, [x], { approximate }) => {
    if (!x) throw new Error('Gelu saved no input')
    return { x: () => tf.mul(dy, forms[approximate].slope(x)) }
  },
})

/** GELU, elementwise: x · Φ(x). */
export const gelu = <T extends tf.Tensor>(
  x: T,
  { approximate = 'tanh' }: { approximate?: GeluApproximation } = {},
): T => run({ x }, { approximate }) as T
