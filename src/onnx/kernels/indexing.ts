/** Kernels that select by index: gathering, scattering, one-hot, top-k, cumulative sums. */
import type {
  CumsumAttrs,
  CumsumInputs,
  GatherNdInputs,
  GatherV2Attrs,
  GatherV2Inputs,
  OneHotAttrs,
  OneHotInputs,
  RangeAttrs,
  TopKAttrs,
  TopKInputs,
  UnsortedSegmentSumAttrs,
  UnsortedSegmentSumInputs,
} from '@tensorflow/tfjs'
import { kernel, positive } from './define.ts'
import { cast } from './elementwise.ts'
import { fill, reshape } from './shapes.ts'

/** TF.js' batched gather becomes `GatherND` when it gathers right behind the batch axes. */
const gather = kernel<GatherV2Inputs, GatherV2Attrs>(({ x, indices }, { axis, batchDims }, { graph }) => {
  const [at = 0] = positive(axis, x.shape.length)
  if (batchDims === 0) return graph.op('Gather', [x, indices], { axis: at })
  if (at !== batchDims) throw new Error(`gather with batchDims ${batchDims} along axis ${at} has no ONNX mapping`)
  return graph.op('GatherND', [x, reshape(graph, indices, [...indices.shape, 1])], { batch_dims: batchDims })
})

/** `on` where the index is, `off` elsewhere; ONNX Runtime wants int64 indices and has float values on every device. */
const oneHot = kernel<OneHotInputs, OneHotAttrs>(({ indices }, { depth, onValue, offValue, dtype }, { graph }) => {
  const values = graph.constant(Float32Array.of(offValue, onValue), [2], 'float32')
  const hot = graph.op('OneHot', [indices, graph.scalar(depth, 'int64'), values], { axis: -1 })
  return cast(graph, hot, dtype === 'float32' ? 'float32' : dtype === 'bool' ? 'bool' : 'int64')
})

/** Adds the rows of x into `numSegments` rows: a scatter with addition, rows that share a segment included. */
const unsortedSegmentSum = kernel<UnsortedSegmentSumInputs, UnsortedSegmentSumAttrs>(
  ({ x, segmentIds }, { numSegments }, { graph, standIns }) => {
    const rows = x.shape.slice(segmentIds.shape.length)
    const zeros = fill(graph, 0, { type: x.type, shape: [standIns.toDim(numSegments), ...rows] })
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
  OneHot: oneHot,
  Range: kernel<object, RangeAttrs>((_, { start, stop, step, dtype }, { graph }) => {
    const length = Math.max(0, Math.ceil((stop - start) / step))
    const values = Array.from({ length }, (_, at) => start + at * step)
    return cast(
      graph,
      graph.constant(Float32Array.from(values), [length], 'float32'),
      dtype === 'int32' ? 'int64' : 'float32',
    )
  }),
  TopK: kernel<TopKInputs, TopKAttrs>(({ x }, { k }, { graph }) =>
    graph.ops('TopK', [x, graph.integers([k])], { axis: x.shape.length - 1, largest: 1, sorted: 1 }),
  ),
  UnsortedSegmentSum: unsortedSegmentSum,
}
