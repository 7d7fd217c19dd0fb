/** Cases of slices, splits, reversal, padding. */
import * as tf from '@tensorflow/tfjs'
import { type Cases, f32, moves, numbers } from './cases.ts'

const MIRRORED: [number, number][] = [
  [0, 0],
  [1, 2],
  [3, 0],
]

const image = f32(['batch', 3, 4, 2])

export const slicing: Cases = {
  FlipLeftRight: [{ fn: (x) => tf.image.flipLeftRight(x as tf.Tensor4D), inputs: [[image]] }],
  MirrorPad: (['reflect', 'symmetric'] as const).flatMap((mode) =>
    numbers(['batch', 3, 4], (x) => tf.mirrorPad(x, MIRRORED, mode)),
  ),
  PadV2: [
    ...moves(['batch', 3], (x) =>
      tf.pad(x, [
        [0, 0],
        [1, 2],
      ]),
    ),
    ...numbers([2, 1, 3], (x) =>
      tf.pad(
        x,
        [
          [1, 0],
          [0, 0],
          [0, 2],
        ],
        7,
      ),
    ),
  ],
  Reverse: [
    ...moves(
      ['batch', 2, 'sequence'],
      (x) => tf.reverse(x),
      (x) => tf.reverse(x, -1),
      (x) => tf.reverse(x, [0, 1]),
    ),
    ...moves([3, 0], (x) => tf.reverse(x, 0)),
  ],
  Slice: [
    ...moves(
      ['batch', 5],
      (x) => tf.slice(x, [0, 1], [-1, 3]),
      (x) => tf.slice(x, [0, 2]),
      (x) => tf.slice(x, [1, 0], [1, 5]),
      (x) => tf.slice(x, 1, 1),
      (x) => tf.slice(x, [0, 0], [-1, 0]),
    ),
    { fn: (x, y) => tf.slice(y, [0, 0], [x.shape[1] ?? 0, 2]), inputs: [[f32(['batch', 'sequence']), f32([8, 3])]] },
  ],
  SplitV: [
    ...moves(
      ['batch', 6],
      (x) => tf.split(x, 3, 1),
      (x) => tf.split(x, [1, 2, 3], -1),
      (x) => tf.split(x, 1, 0),
      (x) => tf.split(x, [6, 0], 1),
    ),
    { fn: (x) => tf.split(tf.concat([x, x]), 2), inputs: [[f32(['batch', 3])]] },
  ],
  StridedSlice: moves(
    ['batch', 6, 4],
    (x) => tf.stridedSlice(x, [0, 1, 0], [2, 6, 4], [1, 2, 3], 1, 1),
    (x) => tf.stridedSlice(x, [0, 5, -1], [0, 0, 0], [1, -2, 1], 1, 0b101, 0, 0, 0b000),
    (x) => tf.stridedSlice(x, [0, 1, 2], [0, 2, 3], [1, 1, 1], 1, 1, 0, 0, 0b110),
    (x) => tf.stridedSlice(x, [0, 0], [0, 2], [1, 1], 0, 0, 1, 0, 0b10),
  ),
  Unpack: moves(
    ['batch', 3, 2],
    (x) => tf.unstack(x, 1),
    (x) => tf.unstack(x, -1),
  ),
}
