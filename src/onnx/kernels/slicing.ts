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
import type { KernelContext } from '../kernels.ts'
import { kernel, positive, sizes, unsupported } from './define.ts'
import { fill, reshape } from './shapes.ts'

/** Cuts `size` elements from `begin` along some axes. */
function slice({ graph, isTrial }: KernelContext, x: Value, begin: readonly number[], size: readonly Dim[]): Value {
  const isBeyond = ([axis, dim]: [number, Dim]) => Number(begin[axis]) + Number(size[axis]) > Number(dim)
  const [beyond] = [...x.shape.entries()].filter(isBeyond)
  if (beyond && isTrial) return fill(graph, 0, { type: x.type, shape: [...size] })
  if (beyond) {
    const [axis, dim] = beyond
    return unsupported(`${size[axis]} elements from ${begin[axis]} on go beyond an axis of ${dim}`)
  }
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

/** TF.js' size, completed to every axis; -1 is "to the end". */
const sliceSizes = ({ begin, size }: SliceAttrs, shape: number[]) =>
  shape.map((length, axis) => {
    const wanted = [size].flat()[axis] ?? -1
    return wanted < 0 ? length - ([begin].flat()[axis] ?? 0) : wanted
  })

const split = kernel<SplitVInputs, SplitVAttrs>(({ x }, { axis }, context) => {
  const [at = 0] = positive(axis, x.shape.length)
  const [count] = context.trials.map(({ attributes }) => attributes.numOrSizeSplits)
  const dims = typeof count === 'number' ? parts(x.shape[at] ?? 1, count) : sizes(context, partSizes)
  return cut(context.graph, x, at, dims)
})

const partSizes = ({ numOrSizeSplits }: SplitVAttrs) => [numOrSizeSplits].flat()

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

function rangeOf(attributes: StridedSliceAttrs, shape: number[]) {
  const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attributes
  return slice_util.sliceInfo(shape, begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask)
}

const stridedSlice = kernel<StridedSliceInputs, StridedSliceAttrs>(({ x }, _, context) => {
  const { graph } = context
  type Range = ReturnType<typeof rangeOf>
  const read = (part: (range: Range) => number[]) =>
    sizes(context, (attributes, numbers) => part(rangeOf(attributes, numbers(x.shape))))
  const [begin, end, strides] = [
    read((range) => range.begin),
    read((range) => range.end),
    read((range) => range.strides),
  ]
  const isWhole = (axis: number) => begin[axis] === 0 && end[axis] === x.shape[axis] && strides[axis] === 1
  const axes = [...x.shape.keys()].filter((axis) => !isWhole(axis))
  const along = (list: readonly Dim[]) => axes.map((axis) => list[axis] ?? 0)
  // An end before the first element is what ONNX calls far below zero.
  const ends = along(end).map((dim) => (dim === -1 ? -TO_THE_END : dim))
  const [starts, stops, steps] = [along(begin), ends, along(strides)].map((dims) => graph.shapeTensor(dims))
  const sliced =
    axes.length === 0 ? x : graph.op('Slice', [x, starts ?? null, stops ?? null, graph.integers(axes), steps ?? null])
  return reshape(
    graph,
    sliced,
    read((range) => range.finalShape),
  )
})

export const slicing = {
  FlipLeftRight: kernel<FlipLeftRightInputs>(({ image }, _, { graph }) => reversed(graph, image, [2])),
  MirrorPad: mirrorPad,
  PadV2: pad,
  Reverse: kernel<ReverseInputs, Partial<ReverseAttrs>>(({ x }, { dims }, { graph }) =>
    reversed(graph, x, positive(dims ?? [...x.shape.keys()], x.shape.length)),
  ),
  Slice: kernel<SliceInputs, SliceAttrs>(({ x }, { begin }, context) => {
    const starts = x.shape.map((_, axis) => [begin].flat()[axis] ?? 0)
    return slice(
      context,
      x,
      starts,
      sizes(context, (range, numbers) => sliceSizes(range, numbers(x.shape))),
    )
  }),
  SplitV: split,
  StridedSlice: stridedSlice,
  Unpack: unpack,
}
