/** log Σ exp over the last axis, without overflow. */
import * as tf from '@tensorflow/tfjs'
import { composite } from '../composite.ts'

const run = composite<{ x: tf.Tensor }, object>({
  name: 'ReduceLogSumExp',
  inputsToSave: ['x'],
  outputsToSave: [true],
  forward: ({ x }) => tf.logSumExp(x, -1),
  gradient: (dy, [x, y]) => {
    if (!x || !y) throw new Error('ReduceLogSumExp saved too little')
    return { x: () => tf.mul(tf.expandDims(dy, -1), tf.exp(tf.sub(x, tf.expandDims(y, -1)))) }
  },
})

/**
 * @param x [n, m]
 * @returns [n]
 */
export const logSumExp = (x: tf.Tensor2D): tf.Tensor1D => run({ x }, {}) as tf.Tensor1D
