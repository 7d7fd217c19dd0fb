/** Kernels that select by index: gathering, scattering, one-hot, top-k, cumulative sums, ranges. */
import type {
  CumsumAttrs,
  CumsumInputs,
  GatherNdInputs,
  GatherV2Attrs,
  GatherV2Inputs,
  LinSpaceAttrs,
  OneHotAttrs,
  OneHotInputs,
  RangeAttrs,
  ScatterNdAttrs,
  ScatterNdInputs,
  TensorScatterUpdateInputs,
  TopKAttrs,
  TopKInputs,
  UnsortedSegmentSumAttrs,
  UnsortedSegmentSumInputs,
} from '@tensorflow/tfjs'
import type { Dim } from '../dims.ts'
import type { Graph, Value } from '../graph.ts'
import { type ElementType, elementType, toConstantData } from '../types.ts'
import { kernel, positive, sizes, unsupported } from './define.ts'
import { binaryOp, cast } from './elementwise.ts'
import { fill, reshape } from './shapes.ts'

/** TF.js' batched gather becomes `GatherND` when it gathers right behind the batch axes. */
const gather = kernel<GatherV2Inputs, GatherV2Attrs>(({ x, indices }, { axis, batchDims }, { graph }) => {
  const [at = 0] = positive(axis, x.shape.length)
  if (batchDims === 0) return graph.op('Gather', [x, indices], { axis: at })
  if (at !== batchDims) return unsupported(`a gather with batchDims ${batchDims} along axis ${at} has no ONNX mapping`)
  return graph.op('GatherND', [x, reshape(graph, indices, [...indices.shape, 1])], { batch_dims: batchDims })
})

/** start, start + step, …; a symbolic length is counted at run time. */
function range(graph: Graph, length: Dim, type: ElementType, start = 0, step = 1): Value {
  if (typeof length === 'number') {
    const values = new Float64Array(length).map((_, at) => start + at * step)
    return graph.constant(toConstantData(type, values), [length], type)
  }
  const ones = fill(graph, 1, { type, shape: [length] })
  const count = graph.op('CumSum', [ones, graph.scalar(0, 'int64')], { exclusive: 1 })
  return binaryOp(graph, 'Add', binaryOp(graph, 'Mul', count, graph.scalar(step, type)), graph.scalar(start, type))
}

/**
 * `on` where the index is, `off` elsewhere. Comparing with 0, 1, … does what TF.js does for an index out of range
 * (`off` everywhere), where ONNX' OneHot counts negative ones from the end.
 */
const oneHot = kernel<OneHotInputs, OneHotAttrs>(({ indices }, { onValue, offValue, dtype = 'int32' }, context) => {
  const { graph } = context
  const [depth = 0] = sizes(context, (attributes) => [attributes.depth])
  const column = reshape(graph, indices, [...indices.shape, 1])
  const hot = binaryOp(graph, 'Equal', column, range(graph, depth, 'int64'))
  const type = elementType(dtype)
  if (onValue === 1 && offValue === 0) return cast(graph, hot, type)
  return graph.op('Where', [hot, graph.scalar(onValue, type), graph.scalar(offValue, type)])
})

/** Adds up what falls on the same index, zero where nothing does. */
const scatterNd = kernel<ScatterNdInputs, ScatterNdAttrs>(({ indices, updates }, _, context) => {
  const { graph } = context
  const zeros = fill(graph, 0, { type: updates.type, shape: sizes(context, ({ shape }) => shape) })
  return graph.op('ScatterND', [zeros, indices, updates], { reduction: 'add' })
})

/** Adds the rows of x into `numSegments` rows: a scatter with addition, rows that share a segment included. */
const unsortedSegmentSum = kernel<UnsortedSegmentSumInputs, UnsortedSegmentSumAttrs>(
  ({ x, segmentIds }, _, context) => {
    const { graph } = context
    const rows = x.shape.slice(segmentIds.shape.length)
    const [segments = 0] = sizes(context, ({ numSegments }) => [numSegments])
    const zeros = fill(graph, 0, { type: x.type, shape: [segments, ...rows] })
    const indices = reshape(graph, segmentIds, [...segmentIds.shape, 1])
    return graph.op('ScatterND', [zeros, indices, x], { reduction: 'add' })
  },
)

const cumsum = kernel<CumsumInputs, CumsumAttrs>(({ x }, { axis, exclusive, reverse }, { graph }) => {
  const [at = 0] = positive(axis, x.shape.length)
  return graph.op('CumSum', [x, graph.scalar(at, 'int64')], { exclusive: exclusive ? 1 : 0, reverse: reverse ? 1 : 0 })
})

export const indexing = {
  Cumsum: cumsum,
  GatherNd: kernel<GatherNdInputs>(({ params, indices }, _, { graph }) =>
    graph.op('GatherND', [params, indices], { batch_dims: 0 }),
  ),
  GatherV2: gather,
  LinSpace: kernel<object, LinSpaceAttrs>((_, { start, stop, num }, { graph }) => {
    const values = Array.from({ length: num }, (_, at) => start + (at * (stop - start)) / Math.max(1, num - 1))
    return graph.constant(Float32Array.from(values), [num], 'float32')
  }),
  OneHot: oneHot,
  Range: kernel<object, RangeAttrs>((_, { start, step, dtype }, context) => {
    const [length = 0] = sizes(context, (range) => [Math.max(0, Math.ceil((range.stop - range.start) / range.step))])
    return range(context.graph, length, elementType(dtype), start, step)
  }),
  ScatterNd: scatterNd,
  TensorScatterUpdate: kernel<TensorScatterUpdateInputs>(({ tensor, indices, updates }, _, { graph }) =>
    graph.op('ScatterND', [tensor, indices, updates]),
  ),
  TopK: kernel<TopKInputs, TopKAttrs>(({ x }, { k }, { graph }) =>
    graph.ops('TopK', [x, graph.integers([k])], { axis: x.shape.length - 1, largest: 1, sorted: 1 }),
  ),
  UnsortedSegmentSum: unsortedSegmentSum,
}
