/** Cases of matrix products and normalization. */
import * as tf from '@tensorflow/tfjs'
import type { CaseFunction, Input } from '../compare.ts'
import { type Cases, f32, within } from './cases.ts'

type Activation = 'linear' | 'relu' | 'elu' | 'sigmoid' | 'relu6' | 'leakyrelu' | 'prelu'

const dense =
  (activation: Activation, withBias = true): CaseFunction =>
  (a, b, bias, weights) =>
    tf.fused.matMul({
      a,
      b,
      ...(withBias && { bias }),
      activation,
      ...(activation === 'prelu' && { preluActivationWeights: weights }),
    })

const denseInputs: Input[][] = [[f32(['batch', 3]), f32([3, 4]), f32([4]), f32([4])]]

const equation =
  (text: string): CaseFunction =>
  (...tensors) =>
    tf.einsum(text, ...tensors)

export const products: Cases = {
  BatchMatMul: [
    {
      fn: (a, b) => tf.matMul(a, b),
      inputs: [
        [f32(['batch', 3]), f32([3, 4])],
        [f32(['batch', 'sequence', 3]), f32(['batch', 3, 4])],
        // TF.js' cpu backend mistakes the axes where both operands have more than one.
        [f32([1, 1, 2, 3]), f32(['batch', 'sequence', 3, 2])],
        [f32(['batch', 'sequence', 3]), f32([3, 2])],
        [f32(['batch', 'sequence', 3]), f32([1, 3, 2])],
        [f32([2, 0]), f32([0, 3])],
        [f32([0, 2]), f32([2, 3])],
      ],
    },
    {
      fn: (a, b) => tf.matMul(a, b, true, false),
      inputs: [
        [f32(['batch', 3]), f32(['batch', 4])],
        [f32(['batch', 3, 'sequence']), f32(['batch', 3, 2])],
      ],
    },
    {
      fn: (a, b) => tf.matMul(a, b, false, true),
      inputs: [
        [f32(['batch', 3]), f32(['sequence', 3])],
        [f32(['batch', 2, 'sequence', 3]), f32(['batch', 2, 'sequence', 3])],
      ],
    },
    {
      fn: (a, b) => tf.matMul(a, b, true, true),
      inputs: [
        [f32([3, 'batch']), f32(['sequence', 3])],
        [f32([2, 3, 4]), f32([2, 5, 3])],
      ],
    },
    {
      fn: (a, b) => tf.dot(a, b),
      inputs: [
        [f32([3]), f32([3])],
        [f32(['batch', 3]), f32([3])],
      ],
    },
  ],
  Einsum: [
    { fn: equation('ij,jk->ik'), inputs: [[f32(['batch', 3]), f32([3, 'sequence'])]] },
    { fn: equation('bij,bjk->bki'), inputs: [[f32(['batch', 'sequence', 3]), f32(['batch', 3, 2])]] },
    { fn: equation('bi,bi->b'), inputs: [[f32(['batch', 'sequence']), f32(['batch', 'sequence'])]] },
    { fn: equation('ij->ji'), inputs: [[f32(['batch', 'sequence'])]] },
    { fn: equation('ij->'), inputs: [[f32(['batch', 3])]] },
  ],
  FusedBatchNorm: [
    {
      fn: (x, mean, variance, offset, scale) =>
        tf.batchNorm(
          x,
          mean as tf.Tensor1D,
          variance as tf.Tensor1D,
          offset as tf.Tensor1D,
          scale as tf.Tensor1D,
          0.01,
        ),
      inputs: [
        [f32(['batch', 3]), f32([3]), within(0.1, 2)([3]), f32([3]), f32([3])],
        [f32(['batch', 2, 'sequence', 3]), f32([3]), within(0.1, 2)([3]), f32([3]), f32([3])],
      ],
    },
    {
      fn: (x, mean, variance) => tf.batchNorm(x, mean as tf.Tensor1D, variance as tf.Tensor1D),
      inputs: [[f32(['batch', 'sequence', 3]), f32([3]), within(0.1, 2)([3])]],
    },
  ],
  _FusedMatMul: [
    ...(['linear', 'relu', 'elu', 'sigmoid', 'relu6', 'leakyrelu', 'prelu'] as const).map((activation) => ({
      fn: dense(activation),
      inputs: denseInputs,
    })),
    { fn: dense('relu', false), inputs: denseInputs },
    {
      fn: (a, b, bias) => tf.fused.matMul({ a, b, transposeB: true, bias }),
      inputs: [[f32(['batch', 2, 3]), f32(['batch', 'sequence', 3]), f32(['sequence'])]],
    },
  ],
}
