/** Cases of convolution and pooling. */
import * as tf from '@tensorflow/tfjs'
import { type Case, type Cases, f32 } from './cases.ts'

const image = f32(['batch', 7, 6, 4])
const filter = f32([3, 2, 4, 5])
const channelFilter = f32([3, 2, 4, 2])

type Pad = Parameters<typeof tf.conv2d>[3]
const EXPLICIT: Pad = [
  [0, 0],
  [1, 2],
  [0, 1],
  [0, 0],
]

const conv = (strides: number | [number, number], pad: Pad, dilations: number | [number, number] = 1): Case => ({
  fn: (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad, 'NHWC', dilations),
  inputs: [[image, filter]],
})

const depthwise = (strides: number | [number, number], pad: Pad): Case => ({
  fn: (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad),
  inputs: [[image, channelFilter]],
})

const pool = (run: typeof tf.maxPool): Case[] => [
  { fn: (x) => run(x as tf.Tensor4D, 2, 2, 'valid'), inputs: [[image], [f32([1, 2, 3, 2])]] },
  { fn: (x) => run(x as tf.Tensor4D, [3, 2], [2, 1], 'same'), inputs: [[image]] },
  { fn: (x) => run(x as tf.Tensor4D, 3, 1, 'same'), inputs: [[f32([2, 'batch', 'sequence', 3])]] },
]

type Activation = Parameters<typeof tf.fused.conv2d>[0]['activation']

const fused =
  (run: typeof tf.fused.conv2d, activation: Activation): Case['fn'] =>
  (x, w, bias) =>
    run({
      x: x as tf.Tensor4D,
      filter: w as tf.Tensor4D,
      strides: 1,
      pad: 'same',
      ...(bias && { bias }),
      ...(activation && { activation }),
    })

export const convolution: Cases = {
  AvgPool: pool(tf.avgPool),
  Conv2D: [
    conv(1, 'valid'),
    conv(2, 'same'),
    conv([1, 2], 'valid'),
    conv(1, 'same', 2),
    conv(1, EXPLICIT),
    { fn: (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 2, 1), inputs: [[image, f32([3, 3, 4, 5])]] },
    {
      fn: (x, w) => tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, 1, 'same'),
      inputs: [[f32(['batch', 'sequence', 3]), f32([3, 3, 2])]],
    },
  ],
  DepthwiseConv2dNative: [depthwise(1, 'same'), depthwise([2, 2], 'valid')],
  FusedConv2D: [
    {
      fn: fused(tf.fused.conv2d, 'relu'),
      inputs: [
        [image, filter],
        [image, filter, f32([5])],
      ],
    },
    { fn: fused(tf.fused.conv2d, 'linear'), inputs: [[image, filter, f32([])]] },
  ],
  FusedDepthwiseConv2D: [
    {
      fn: fused(tf.fused.depthwiseConv2d as typeof tf.fused.conv2d, 'relu6'),
      inputs: [[image, channelFilter, f32([8])]],
    },
  ],
  MaxPool: pool(tf.maxPool),
}
