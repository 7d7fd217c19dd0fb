/** Gradients traced from TF.js' own differentiation are those of its cpu backend, at any size. */
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { type CaseFunction, type Input, bool, f32, given, i32, runBothWays } from './compare.ts'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

/** A loss of tensors, in the order of the inputs. */
type Loss = (...tensors: tf.Tensor[]) => tf.Tensor

/** A scalar that weighs every element of a tensor differently, so that no gradient is the same everywhere by symmetry. */
const weigh = (x: tf.Tensor): tf.Scalar => tf.sum(tf.mul(x, tf.sin(tf.add(x, 1))))

/** The loss and its gradients by the float inputs. */
const withGradients =
  (loss: Loss): CaseFunction =>
  (...tensors) => {
    const floats = tensors.filter(({ dtype }) => dtype === 'float32')
    const rest = tensors.slice(floats.length)
    const { value, grads } = tf.valueAndGrads((...xs: tf.Tensor[]) => weigh(loss(...xs, ...rest)))(floats)
    return [value, ...grads]
  }

const layerNorm = (x: tf.Tensor, scale: tf.Tensor, bias: tf.Tensor) => {
  const { mean, variance } = tf.moments(x, -1, true)
  return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5))), scale), bias)
}

function attention(query: tf.Tensor, key: tf.Tensor, value: tf.Tensor) {
  const scores = tf.mul(tf.matMul(query, key, false, true), 0.5)
  return tf.matMul(tf.softmax(scores), value)
}

/** Float inputs come first. */
const cases: Record<string, [Loss, Input[]]> = {
  'a perceptron of two layers': [
    (x, w1, b1, w2) => tf.matMul(tf.tanh(tf.add(tf.matMul(x, w1), b1)), w2),
    [f32(['batch', 3]), f32([3, 4]), f32([4]), f32([4, 2])],
  ],
  'dense layers with fused bias and relu': [
    (a, b, bias) => tf.fused.matMul({ a: a as tf.Tensor2D, b: b as tf.Tensor2D, bias, activation: 'relu' }),
    [f32(['batch', 3]), f32([3, 4]), f32([4])],
  ],
  'softmax cross-entropy with one-hot labels': [
    (logits, labels) =>
      tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), tf.oneHot(tf.cast(labels, 'int32'), 3)), -1))),
    [f32(['batch', 3]), i32(['batch'], [0, 3])],
  ],
  'embeddings with repeated indices': [
    (table, ids) => tf.gather(table, tf.cast(ids, 'int32')),
    [f32([4, 3]), i32(['batch', 'sequence'], [0, 4])],
  ],
  'a gather of a repeated column': [
    (x, ids) => tf.gather(x, tf.cast(ids, 'int32'), 1),
    [f32(['batch', 4]), given([2, 0, 2], 'int32')],
  ],
  'layer normalization': [layerNorm, [f32(['batch', 'sequence', 4]), f32([4]), f32([4])]],
  attention: [
    attention,
    [f32(['batch', 2, 'sequence', 3]), f32(['batch', 2, 'sequence', 3]), f32(['batch', 2, 'sequence', 3])],
  ],
  'heads split and joined': [
    (x) => tf.reshape(tf.transpose(tf.reshape(x, [x.shape[0] ?? 0, -1, 2, 3]), [0, 2, 1, 3]), [-1, 3]),
    [f32(['batch', 'sequence', 6])],
  ],
  'means over symbolic sizes': [
    (x) => tf.add(tf.mean(x), tf.sum(tf.mean(tf.square(x), 0))),
    [f32(['batch', 'sequence'])],
  ],
  'concat, split, slice and pad': [
    (x, y) => {
      const [a, b] = tf.split(tf.concat([x, y], 1), 2, 1) as [tf.Tensor, tf.Tensor]
      const padding: [number, number][] = [
        [0, 0],
        [1, 2],
      ]
      return tf.mul(tf.pad(tf.slice(a, [0, 1], [-1, 2]), padding), tf.pad(tf.slice(b, [0, 0], [-1, 2]), padding))
    },
    [f32(['batch', 2]), f32(['batch', 4])],
  ],
  'stack, unstack, tile and reverse': [
    (x) => {
      const [a, b] = tf.unstack(tf.stack([x, tf.reverse(x, 1)], 1), 1) as [tf.Tensor, tf.Tensor]
      return tf.mul(tf.tile(a, [1, 2]), tf.tile(b, [1, 2]))
    },
    [f32(['batch', 3])],
  ],
  'where and the relu family': [
    (x, chosen) =>
      tf.where(
        tf.cast(chosen, 'bool'),
        tf.mul(tf.relu(x), tf.elu(x)),
        tf.add(tf.leakyRelu(x, 0.1), tf.add(tf.selu(x), tf.relu6(x))),
      ),
    [f32(['batch', 4]), bool(['batch', 4])],
  ],
  prelu: [(x, alpha) => tf.prelu(x, alpha), [f32(['batch', 4]), f32([4])]],
  'smooth activations': [
    (x) => tf.mul(tf.sigmoid(x), tf.add(tf.softplus(x), tf.add(tf.erf(x), tf.tanh(x)))),
    [f32(['batch', 4])],
  ],
  'batch normalization': [
    (x, mean, variance, offset, scale) =>
      tf.batchNorm(x, mean as tf.Tensor1D, variance as tf.Tensor1D, offset as tf.Tensor1D, scale as tf.Tensor1D),
    [f32(['batch', 3]), f32([3]), f32([3], [0.5, 2]), f32([3]), f32([3])],
  ],
  'cumulative sums': [(x) => tf.cumsum(x, 1, true), [f32(['batch', 'sequence'])]],
  'broadcasting both ways': [
    (a, b, c) => tf.div(tf.sub(tf.mul(a, b), tf.square(tf.sub(a, c))), tf.add(tf.square(b), 1)),
    [f32(['batch', 1, 3]), f32(['sequence', 1]), f32([])],
  ],
  'extremes and powers': [
    (a, b) => tf.add(tf.maximum(a, b), tf.mul(tf.minimum(a, 0.3), tf.pow(tf.abs(b), tf.scalar(1.5)))),
    [f32(['batch', 3]), f32(['batch', 3])],
  ],
}

describe('traced gradients', () => {
  it.each(Object.entries(cases))('%s', async (_, [loss, inputs]) => {
    const { onnx, cpu } = await runBothWays(withGradients(loss), inputs)
    expect(onnx).toEqual(cpu)
  })
})
