/** Cases of reshaping, joining, repeating, filling. */
import * as tf from '@tensorflow/tfjs'
import { type Cases, bool, f32, i32, moves, unary } from './cases.ts'

export const shapes: Cases = {
  Concat: [
    ...moves(
      ['batch', 3],
      (x) => tf.concat([x, x]),
      (x) => tf.concat([x, tf.zerosLike(x), x], -1),
    ),
    {
      fn: (a, b) => tf.concat([a, b], 1),
      inputs: [
        [f32(['batch', 2, 3]), f32(['batch', 4, 3])],
        [f32([2, 0]), f32([2, 3])],
      ],
    },
    { fn: (x) => tf.concat([tf.concat([x, x]), x, tf.zeros([0, 3])]), inputs: [[f32(['batch', 3])]] },
    { fn: (a, b) => tf.concat([a, b], 0), inputs: [[f32([2]), f32([3])]] },
  ],
  DepthToSpace: [
    { fn: (x) => tf.depthToSpace(x as tf.Tensor4D, 2), inputs: [[f32(['batch', 2, 3, 8])], [f32([1, 1, 2, 4])]] },
    { fn: (x) => tf.depthToSpace(x as tf.Tensor4D, 3), inputs: [[f32([2, 2, 1, 9])]] },
  ],
  ExpandDims: moves(
    ['batch', 3],
    (x) => tf.expandDims(x),
    (x) => tf.expandDims(x, 1),
    (x) => tf.expandDims(x, -1),
  ),
  Fill: [
    { fn: (x) => tf.fill(x.shape as [number, number], 2.5), inputs: [[f32(['batch', 3])], [f32([2, 0])]] },
    { fn: (x) => tf.fill(x.shape as [number], 3, 'int32'), inputs: [[f32(['batch'])], [f32([4])]] },
  ],
  LinSpace: [
    { fn: (x) => tf.mul(x, tf.linspace(-1, 2, 7)), inputs: [[f32(['batch', 7])]] },
    { fn: (x) => tf.add(x, tf.linspace(3, 4, 1)), inputs: [[f32([])]] },
  ],
  OnesLike: unary(tf.onesLike, f32, i32, bool),
  Pack: moves(
    ['batch', 3],
    (x) => tf.stack([x, x]),
    (x) => tf.stack([x, tf.zerosLike(x)], -1),
    (x) => tf.stack([x], 1),
  ),
  Range: [
    { fn: (x) => tf.add(x, tf.range(0, 5)), inputs: [[f32(['batch', 5])]] },
    { fn: (x) => tf.mul(x, tf.range(7, -1, -3, 'int32')), inputs: [[i32(['batch', 3])]] },
    { fn: (x) => tf.concat([x, tf.range(0, 1, 0.25)]), inputs: [[f32([2])]] },
    { fn: (x) => tf.add(x, tf.range(1, 1 + 2 * (x.shape[1] ?? 0), 2)), inputs: [[f32(['batch', 'sequence'])]] },
  ],
  Reshape: [
    ...moves(
      ['batch', 'sequence', 6],
      (x) => tf.reshape(x, [-1, 6]),
      (x) => tf.reshape(x, [x.shape[0] ?? 0, x.shape[1] ?? 0, 2, 3]),
      (x) => tf.reshape(x, [x.shape[1] ?? 0, x.shape[0] ?? 0, 6]),
      (x) => tf.reshape(x, [-1]),
      (x) => tf.reshape(x, [6, 1, -1, x.shape[1] ?? 0]),
    ),
    ...moves(
      [2, 0],
      (x) => tf.reshape(x, [0, 5]),
      (x) => tf.reshape(x, [0]),
    ),
    ...moves([], (x) => tf.reshape(x, [1, 1])),
    ...moves([1, 1], (x) => tf.reshape(x, [])),
  ],
  Tile: [
    ...moves(
      ['batch', 3],
      (x) => tf.tile(x, [2, 3]),
      (x) => tf.tile(x, [1, 1]),
      (x) => tf.tile(x, [1, x.shape[0] ?? 0]),
    ),
    ...moves([2, 3], (x) => tf.tile(x, [1, 0])),
  ],
  Transpose: moves(
    ['batch', 2, 'sequence', 3],
    (x) => tf.transpose(x),
    (x) => tf.transpose(x, [0, 2, 1, 3]),
    (x) => tf.transpose(tf.transpose(x, [1, 0, 3, 2]), [3, 1, 0, 2]),
  ),
  ZerosLike: unary(tf.zerosLike, f32, i32, bool),
}
