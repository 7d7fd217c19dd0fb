/** SiLU, also called swish: x · σ(x), the activation of Llama's gates (Elfwing et al. 2017, arXiv:1702.03118). */
import * as tf from '@tensorflow/tfjs'
import { composite } from '../composite.ts'

const run = composite<{ x: tf.Tensor }, object>({
  name: 'Silu',
  outputsToSave: [true, true],
  forward: ({ x }) => {
    const sigma = tf.sigmoid(x)
    return [tf.mul(x, sigma), sigma]
  },
  gradient: (dy, [y, sigma]) => {
    if (!y || !sigma) throw new Error('Silu saved no outputs')
    // σ + x·σ·(1 - σ)
    return { x: () => tf.mul(dy, tf.add(sigma, tf.mul(y, tf.sub(1, sigma)))) }
  },
})

/** SiLU, elementwise. */
export const silu = <T extends tf.Tensor>(x: T): T => run({ x }, {}) as T
