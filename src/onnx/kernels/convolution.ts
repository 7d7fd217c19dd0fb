/** Convolution and pooling of images (forward only). TF.js puts channels last, ONNX first: transposes stand around. */
import { backend_util } from '@tensorflow/tfjs'
import type {
  AvgPoolAttrs,
  AvgPoolInputs,
  Conv2DAttrs,
  Conv2DInputs,
  FusedConv2DAttrs,
  FusedConv2DInputs,
} from '@tensorflow/tfjs'
import type { Graph, Value } from '../graph.ts'
import type { KernelContext } from '../kernels.ts'
import { activate } from './activations.ts'
import { kernel, unsupported } from './define.ts'
import { binaryOp } from './elementwise.ts'
import { reshape, transpose } from './shapes.ts'

type Info = backend_util.Conv2DInfo
type Shape4D = [number, number, number, number]

/** ONNX' attributes for a window that moves over height and width. */
const windowAttributes = ({ padInfo, strideHeight, strideWidth, dilationHeight, dilationWidth }: Info) => ({
  strides: [strideHeight, strideWidth],
  dilations: [dilationHeight, dilationWidth],
  pads: [padInfo.top, padInfo.left, padInfo.bottom, padInfo.right],
})

/**
 * Runs what wants channels first, and checks that both count the windows alike (TF.js can round otherwise).
 * @param infos what TF.js computes, for each run of the traced function
 */
function channelsFirst<Attributes>(
  { graph, trials }: KernelContext<Attributes>,
  x: Value,
  infos: readonly Info[],
  run: (x: Value, info: Info) => Value,
): Value {
  const [info] = infos
  if (!info) throw new Error('a kernel without a run')
  const y = transpose(graph, run(transpose(graph, x, [0, 3, 1, 2]), info), [0, 2, 3, 1])
  const differs = trials.some(({ numbers }, at) => String(numbers(y.shape)) !== String(infos[at]?.outShape))
  return differs
    ? unsupported(`the result [${info.outShape.join(', ')}] is not what ONNX gives for this padding and rounding`)
    : y
}

/** Filters are [height, width, in, out], or [height, width, channels, multiplier] where each channel has its own. */
function convolve<Attributes extends Conv2DAttrs>(
  x: Value,
  filter: Value,
  { strides, dilations, pad, dimRoundingMode, dataFormat }: Attributes,
  depthwise: boolean,
  context: KernelContext<Attributes>,
): Value {
  if (dataFormat !== 'NHWC') return unsupported(`convolution of ${dataFormat} images has no ONNX mapping`)
  const { graph, trials } = context
  const infos = trials.map(({ numbers }) => {
    const [image, window] = [numbers(x.shape) as Shape4D, numbers(filter.shape) as Shape4D]
    return backend_util.computeConv2DInfo(image, window, strides, dilations, pad, dimRoundingMode, depthwise)
  })
  return channelsFirst(context, x, infos, (first, info) => {
    const weights = depthwise ? channelFilter(graph, filter, info) : transpose(graph, filter, [3, 2, 0, 1])
    const group = depthwise ? info.inChannels : 1
    return graph.op('Conv', [first, weights], { ...windowAttributes(info), group })
  })
}

/** [height, width, channels, multiplier] → [channels · multiplier, 1, height, width]. */
const channelFilter = (graph: Graph, filter: Value, { outChannels, filterHeight, filterWidth }: Info): Value =>
  reshape(graph, transpose(graph, filter, [2, 3, 0, 1]), [outChannels, 1, filterHeight, filterWidth])

const convolution2D = (depthwise: boolean) =>
  kernel<Conv2DInputs, Conv2DAttrs>(({ x, filter }, attributes, context) =>
    convolve(x, filter, attributes, depthwise, context),
  )

const fused = (depthwise: boolean) =>
  kernel<FusedConv2DInputs, FusedConv2DAttrs>((inputs, attributes, context) => {
    const { x, filter, bias, preluActivationWeights } = inputs
    const product = convolve(x, filter, attributes, depthwise, context)
    const sum = bias ? binaryOp(context.graph, 'Add', product, bias) : product
    return activate(context.graph, sum, attributes, preluActivationWeights)
  })

const pool = (op: 'MaxPool' | 'AveragePool') =>
  kernel<AvgPoolInputs, AvgPoolAttrs>(({ x }, { filterSize, strides, pad, dimRoundingMode }, context) => {
    const infos = context.trials.map(({ numbers }) =>
      backend_util.computePool2DInfo(numbers(x.shape) as Shape4D, filterSize, strides, 1, pad, dimRoundingMode),
    )
    return channelsFirst(context, x, infos, (first, info) => {
      const kernel_shape = [info.filterHeight, info.filterWidth]
      return context.graph.op(op, [first], { kernel_shape, ...windowAttributes(info) })
    })
  })

export const convolution = {
  AvgPool: pool('AveragePool'),
  Conv2D: convolution2D(false),
  DepthwiseConv2dNative: convolution2D(true),
  FusedConv2D: fused(false),
  FusedDepthwiseConv2D: fused(true),
  MaxPool: pool('MaxPool'),
}
