/** Rotary position embedding (Su et al. 2021, arXiv:2104.09864), with a head's halves as the two coordinates, as Llama has it. */
import * as tf from '@tensorflow/tfjs'
import { composite } from '../composite.ts'

/** Cosines and sines of each position's angles: [sequence, size / 2], or [batch, 1, 1, size / 2] of one position each text. */
export interface Rotation {
  cos: tf.Tensor
  sin: tf.Tensor
}

/**
 * @param positions [sequence], or [batch, 1, 1] of one position each text
 * @param inverseFrequencies [size / 2]: θ^(-2i / size)
 */
export function rotationOf(positions: tf.Tensor, inverseFrequencies: tf.Tensor1D): Rotation {
  const angles = tf.mul(tf.expandDims(tf.cast(positions, 'float32'), -1), inverseFrequencies)
  return { cos: tf.cos(angles), sin: tf.sin(angles) } // [..., size / 2]
}

type Inputs = { x: tf.Tensor; cos: tf.Tensor; sin: tf.Tensor }

const run: (inputs: Inputs, attributes: object) => tf.Tensor = composite<Inputs, object>({
  name: 'Rotary',
  inputsToSave: ['cos', 'sin'],
  forward: ({ x, cos, sin }) => {
    const [left, right] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor]
    return tf.concat([tf.sub(tf.mul(left, cos), tf.mul(right, sin)), tf.add(tf.mul(right, cos), tf.mul(left, sin))], -1)
  },
  gradient: (dy, [cos, sin]) => {
    if (!cos || !sin) throw new Error('Rotary saved too little')
    const unknown = (): tf.Tensor => {
      throw new Error('the gradient of a rotation by its angles is not defined')
    }
    return { x: (): tf.Tensor => run({ x: dy, cos, sin: tf.neg(sin) }, {}), cos: unknown, sin: unknown }
  },
})

/**
 * Turns element i and element i + size / 2 of each head, a point of the plane, by the position's i-th angle.
 * @param x [batch, heads, sequence, size]
 * @returns [batch, heads, sequence, size]
 */
export const rotary = (x: tf.Tensor4D, { cos, sin }: Rotation): tf.Tensor4D => run({ x, cos, sin }, {}) as tf.Tensor4D
