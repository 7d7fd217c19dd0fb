/** Kernels that cut tensors and pad them: slices, splits, reversal, padding. */
import { slice_util } from '@tensorflow/tfjs'
import type {
  FlipLeftRightInputs,
  MirrorPadAttrs,
  MirrorPadInputs,
  PadV2Attrs,
  PadV2Inputs,
  ReverseAttrs,
  ReverseInputs,
  SliceAttrs,
  SliceInputs,
  SplitVAttrs,
  SplitVInputs,
  StridedSliceAttrs,
  StridedSliceInputs,
  UnpackAttrs,
  UnpackInputs,
} from '@tensorflow/tfjs'
import { type Dim, divide } from '../dims.ts'
import type { Graph, Value } from '../graph.ts'
import { TO_THE_END } from '../infer/shapes.ts'
import { kernel, positive, unsupported } from './define.ts'
import { reshape } from './shapes.ts'

/** Cuts `size` elements from `begin` along some axes. */
function slice(graph: Graph, x: Value, begin: readonly number[], size: readonly Dim[]): Value {
  const axes = x.shape.map((_, axis) => axis).filter((axis) => begin[axis] !== 0 || size[axis] !== x.shape[axis])
  if (axes.length === 0) return x
  const ends = axes.map((axis): Dim => {
    const [start = 0, length = 0, dim] = [begin[axis], size[axis], x.shape[axis]]
    if (typeof length === 'number' && start + length === dim) return TO_THE_END
    if (start === 0) return length
    return typeof length === 'number'
      ? start + length
      : unsupported(`${length} elements cannot be cut from ${start} on`)
  })
  const starts = graph.integers(axes.map((axis) => begin[axis] ?? 0))
  return graph.op('Slice', [x, starts, graph.shapeTensor(ends), graph.integers(axes)])
}

/** TF.js' begin and size, completed to every axis; -1 is "to the end". */
function sliceRange(shape: number[], begin: number | number[], size: number | number[]) {
  const starts = shape.map((_, axis) => [begin].flat()[axis] ?? 0)
  const sizes = shape.map((length, axis) => {
    const wanted = [size].flat()[axis] ?? -1
    return wanted < 0 ? length - (starts[axis] ?? 0) : wanted
  })
  return { starts, sizes }
}

const split = kernel<SplitVInputs, SplitVAttrs>(({ x }, { numOrSizeSplits, axis }, { graph, standIns }) => {
  const [at = 0] = positive(axis, x.shape.length)
  const dim = x.shape[at] ?? 1
  return cut(
    graph,
    x,
    at,
    typeof numOrSizeSplits === 'number' ? parts(dim, numOrSizeSplits) : standIns.toDims(numOrSizeSplits),
  )
})

/** The sizes of `count` equal parts. */
function parts(dim: Dim, count: number): Dim[] {
  const part = divide(dim, count) ?? unsupported(`the size ${dim} cannot be split into ${count} parts`)
  return Array<Dim>(count).fill(part)
}

const cut = (graph: Graph, x: Value, axis: number, sizes: Dim[]): Value[] =>
  sizes.length === 1 ? [x] : graph.ops('Split', [x, graph.shapeTensor(sizes)], { axis })

const unpack = kernel<UnpackInputs, UnpackAttrs>(({ value }, { axis }, { graph }) => {
  const [at = 0] = positive(axis, value.shape.length)
  const count = value.shape[at]
  if (typeof count !== 'number') return unsupported(`the symbolic size ${count} cannot be unstacked`)
  return cut(graph, value, at, parts(count, count)).map((part) => reshape(graph, part, value.shape.toSpliced(at, 1)))
})

const pad = kernel<PadV2Inputs, PadV2Attrs>(({ x }, { paddings, constantValue }, { graph }) => {
  const pads = graph.integers([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)])
  return graph.op('Pad', [x, pads, graph.scalar(constantValue, x.type)])
})

/** Mirrors at the edge (`symmetric`) or at the outermost elements (`reflect`), which are then not repeated. */
const mirrorPad = kernel<MirrorPadInputs, MirrorPadAttrs>(({ x }, { paddings, mode }, { graph }) =>
  paddings.reduce((padded, [before, after], axis) => {
    const size = x.shape[axis]
    if (before === 0 && after === 0) return padded
    if (typeof size !== 'number') return unsupported(`the symbolic size ${size} cannot be padded`)
    const indices = Array.from({ length: before + size + after }, (_, at) => mirrored(at - before, size, mode))
    return graph.op('Gather', [padded, graph.integers(indices)], { axis })
  }, x),
)

function mirrored(index: number, size: number, mode: MirrorPadAttrs['mode']): number {
  const edge = mode === 'symmetric' ? 1 : 0
  if (index < 0) return -index - edge
  return index < size ? index : 2 * (size - 1) - index + edge
}

function reversed(graph: Graph, x: Value, axes: readonly number[]): Value {
  if (axes.length === 0) return x
  const all = (value: number) => graph.integers(axes.map(() => value))
  return graph.op('Slice', [x, all(-1), all(-TO_THE_END), graph.integers(axes), all(-1)])
}

const stridedSlice = kernel<StridedSliceInputs, StridedSliceAttrs>(({ x }, attributes, { graph, standIns }) => {
  const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attributes
  const shape = standIns.toNumbers(x.shape)
  const masks = [beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask] as const
  const range = slice_util.sliceInfo(shape, begin, end, strides, ...masks)
  const isWhole = (axis: number) =>
    range.begin[axis] === 0 && range.end[axis] === shape[axis] && range.strides[axis] === 1
  const axes = [...shape.keys()].filter((axis) => !isWhole(axis))
  const along = (list: readonly number[]) => axes.map((axis) => list[axis] ?? 0)
  // An end before the first element is what ONNX calls far below zero.
  const ends = standIns.toDims(along(range.end)).map((dim) => (dim === -1 ? -TO_THE_END : dim))
  const bounds = [graph.integers(along(range.begin)), graph.shapeTensor(ends)]
  const sliced =
    axes.length === 0
      ? x
      : graph.op('Slice', [x, ...bounds, graph.integers(axes), graph.integers(along(range.strides))])
  return reshape(graph, sliced, standIns.toDims(range.finalShape))
})

export const slicing = {
  FlipLeftRight: kernel<FlipLeftRightInputs>(({ image }, _, { graph }) => reversed(graph, image, [2])),
  MirrorPad: mirrorPad,
  PadV2: pad,
  Reverse: kernel<ReverseInputs, Partial<ReverseAttrs>>(({ x }, { dims }, { graph }) =>
    reversed(graph, x, positive(dims ?? [...x.shape.keys()], x.shape.length)),
  ),
  Slice: kernel<SliceInputs, SliceAttrs>(({ x }, { begin, size }, { graph, standIns }) => {
    const { starts, sizes } = sliceRange(standIns.toNumbers(x.shape), begin, size)
    return slice(graph, x, starts, standIns.toDims(sizes))
  }),
  SplitV: split,
  StridedSlice: stridedSlice,
  Unpack: unpack,
}
