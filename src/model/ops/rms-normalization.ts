/** Root mean square normalization over the last axis, Llama's (Zhang & Sennrich 2019, arXiv:1910.07467). */
import * as tf from '@tensorflow/tfjs'
import { composite } from '../composite.ts'

type Inputs = { x: tf.Tensor; scale: tf.Tensor }

const run = composite<Inputs, { epsilon: number }>({
  // ONNX Runtime's operator; ONNX' own RMSNormalization (opset 23) does not give the second output.
  name: 'SimplifiedLayerNormalization',
  inputsToSave: ['x', 'scale'],
  outputsToSave: [false, true],
  forward: ({ x, scale }, { epsilon }) => {
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon))
    return [tf.mul(tf.mul(x, inverse), scale), inverse]
  },
  gradient: (dy, [x, scale, inverse]) => {
    if (!x || !scale || !inverse) throw new Error('SimplifiedLayerNormalization saved too little')
    return {
      // inverse · (dy·scale) - x · inverse³ · mean(dy·scale · x)
      x: () => {
        const scaled = tf.mul(dy, scale)
        const projection = tf.mean(tf.mul(scaled, x), -1, true) // [n, 1]
        const cube = tf.mul(tf.square(inverse), inverse)
        return tf.sub(tf.mul(scaled, inverse), tf.mul(x, tf.mul(projection, cube)))
      },
      scale: () => tf.sum(tf.mul(dy, tf.mul(x, inverse)), 0),
    }
  },
})

/**
 * x / √(mean(x²) + ε) · scale
 * @param x [n, channels]
 * @param scale [channels]
 * @returns [n, channels]
 */
export const rmsNormalization = (x: tf.Tensor, scale: tf.Tensor, epsilon: number): tf.Tensor2D =>
  run({ x, scale }, { epsilon }) as tf.Tensor2D
