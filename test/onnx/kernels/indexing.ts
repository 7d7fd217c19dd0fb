/** Cases of selection by index. */
import * as tf from '@tensorflow/tfjs'
import { given } from '../compare.ts'
import { type Cases, bool, f32, few, i32 } from './cases.ts'

/** Exclusive, reverse. Axes count from the front: TF.js' cpu backend gives another shape for negative ones. */
const cumulative: [boolean, boolean][] = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
]

export const indexing: Cases = {
  Cumsum: cumulative.flatMap(([exclusive, reverse]) => [
    { fn: (x) => tf.cumsum(x, 1, exclusive, reverse), inputs: [[f32(['batch', 'sequence'])], [i32([2, 4])]] },
    { fn: (x) => tf.cumsum(x, 0, exclusive, reverse), inputs: [[f32(['batch', 3])], [f32([4])]] },
  ]),
  GatherNd: [
    {
      fn: (x, indices) => tf.gatherND(x, indices),
      inputs: [
        [f32([4, 3]), i32(['batch', 2], [0, 3])],
        [f32([4, 3]), i32(['batch', 'sequence', 1], [0, 4])],
        [i32([4, 3, 2]), i32([5, 2], [0, 3])],
        [f32(['batch', 3]), i32([2, 1], [0, 2])],
      ],
    },
  ],
  GatherV2: [
    {
      fn: (x, indices) => tf.gather(x, tf.cast(indices, 'int32')),
      inputs: [
        [f32([7, 3]), i32(['batch', 'sequence'], [0, 7])],
        [i32([7]), i32(['batch'], [0, 7])],
        [bool([7, 2]), i32([], [0, 7])],
        [f32([7, 3]), i32([0], [0, 7])],
      ],
    },
    {
      fn: (x, indices) => tf.gather(x, tf.cast(indices, 'int32'), -1),
      inputs: [[f32(['batch', 2, 5]), i32([3], [0, 5])]],
    },
    {
      fn: (x, indices) => tf.gather(x, tf.cast(indices, 'int32'), 1, 1),
      inputs: [
        [f32(['batch', 5, 2]), i32(['batch', 3], [0, 5])],
        [f32(['batch', 5]), i32(['batch', 'sequence'], [0, 5])],
      ],
    },
  ],
  OneHot: [
    {
      fn: (indices) => tf.oneHot(tf.cast(indices, 'int32'), 4),
      inputs: [[i32(['batch'], [-1, 6])], [i32([], [0, 4])], [i32(['batch', 'sequence'], [0, 4])], [i32([0])]],
    },
    { fn: (indices) => tf.oneHot(tf.cast(indices, 'int32'), 3, 2, -1, 'float32'), inputs: [[i32(['batch'], [0, 3])]] },
    {
      fn: (indices, x) => tf.oneHot(tf.cast(indices, 'int32'), x.shape[0] ?? 0),
      inputs: [[i32([4], [0, 3]), f32(['batch'])]],
    },
    { fn: (indices) => tf.oneHot(tf.cast(indices, 'int32'), 3, 1, 0, 'bool'), inputs: [[i32(['batch'], [0, 3])]] },
  ],
  ScatterNd: [
    {
      fn: (indices, updates) => tf.scatterND(indices, updates, [5, 3]),
      inputs: [
        [i32(['batch', 1], [0, 5]), f32(['batch', 3])],
        [given([3, 3, 0], 'int32'), f32([3, 3])].map((input, at) => (at === 0 ? { ...input, shape: [3, 1] } : input)),
        [i32(['batch', 2], [0, 3]), i32(['batch'])],
      ],
    },
  ],
  TensorScatterUpdate: [
    {
      fn: (x, updates) => tf.tensorScatterUpdate(x, tf.tensor2d([[1], [3]], [2, 1], 'int32'), updates),
      inputs: [
        [f32([4, 'sequence']), f32([2, 'sequence'])],
        [i32([5]), i32([2])],
      ],
    },
  ],
  TopK: [
    {
      fn: (x) => {
        const { values, indices } = tf.topk(x, 3)
        return [values, indices]
      },
      inputs: [[f32(['batch', 5])], [few(['batch', 2, 7])], [f32([3])]],
    },
  ],
  UnsortedSegmentSum: [
    {
      fn: (x, ids) => tf.unsortedSegmentSum(x, ids as tf.Tensor1D, 4),
      inputs: [
        [f32(['batch', 3]), i32(['batch'], [0, 4])],
        [f32([6, 2, 2]), i32([6], [0, 4])],
        [f32(['batch']), i32(['batch'], [0, 4])],
      ],
    },
    {
      fn: (x, ids) => tf.unsortedSegmentSum(x, ids as tf.Tensor1D, ids.shape[0] ?? 0),
      inputs: [[f32(['batch', 3]), i32(['batch'], [0, 2])]],
    },
  ],
}
