/** Layer normalization over the last axis (Ba et al. 2016, arXiv:1607.06450). */
import * as tf from '@tensorflow/tfjs'
import { composite } from '../composite.ts'

type Inputs = { x: tf.Tensor; scale: tf.Tensor; bias: tf.Tensor }

const run = composite<Inputs, { epsilon: number }>({
  name: 'LayerNormalization',
  inputsToSave: ['x', 'scale'],
  outputsToSave: [false, true, true],
  forward: ({ x, scale, bias }, { epsilon }) => {
    const mean = tf.mean(x, -1, true)
    const centred = tf.sub(x, mean)
    const inverseDeviation = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon))
    return [tf.add(tf.mul(tf.mul(centred, inverseDeviation), scale), bias), mean, inverseDeviation]
  },
  gradient: (dy, [x, scale, mean, inverseDeviation]) => {
    if (!x || !scale || !mean || !inverseDeviation) throw new Error('LayerNormalization saved too little')
    const normalized = () => tf.mul(tf.sub(x, mean), inverseDeviation)
    return {
      x: () => {
        const xHat = normalized()
        const dxHat = tf.mul(dy, scale)
        const projection = tf.mul(xHat, tf.mean(tf.mul(dxHat, xHat), -1, true))
        return tf.mul(tf.sub(tf.sub(dxHat, tf.mean(dxHat, -1, true)), projection), inverseDeviation)
      },
      scale: () => tf.sum(tf.mul(dy, normalized()), 0),
      bias: () => tf.sum(dy, 0),
    }
  },
})

/**
 * @param x [n, channels]
 * @param scale [channels]
 * @param bias [channels]
 * @returns [n, channels]
 */
export const layerNormalization = (x: tf.Tensor, scale: tf.Tensor, bias: tf.Tensor, epsilon: number): tf.Tensor2D =>
  run({ x, scale, bias }, { epsilon }) as tf.Tensor2D
