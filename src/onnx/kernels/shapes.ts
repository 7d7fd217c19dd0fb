/** Kernels that move data: reshaping, joining, cutting, repeating, filling. */
import { util } from '@tensorflow/tfjs'
import type {
  ConcatAttrs,
  ExpandDimsAttrs,
  ExpandDimsInputs,
  FillAttrs,
  OnesLikeInputs,
  PackAttrs,
  PadV2Attrs,
  PadV2Inputs,
  ReshapeAttrs,
  ReshapeInputs,
  ReverseAttrs,
  ReverseInputs,
  SliceAttrs,
  SliceInputs,
  SplitVAttrs,
  SplitVInputs,
  TensorInfo,
  TileAttrs,
  TileInputs,
  TransposeAttrs,
  TransposeInputs,
  UnpackAttrs,
  UnpackInputs,
  ZerosLikeInputs,
} from '@tensorflow/tfjs'
import { sizeOf } from '../../core/tensors.ts'
import type { Dim } from '../dims.ts'
import type { Graph, Value } from '../graph.ts'
import { TO_THE_END } from '../infer/shapes.ts'
import { kernel, positive } from './define.ts'

const sameShape = (a: readonly Dim[], b: readonly Dim[]) =>
  a.length === b.length && a.every((dim, axis) => dim === b[axis])

/**
 * Reshapes to a known shape. Symbolic sizes are copied from the same axis (0) or left to be inferred (-1) where that
 * suffices, since a constant shape costs nothing at run time; else the shape is computed.
 */
export function reshape(graph: Graph, x: Value, shape: readonly Dim[]): Value {
  if (sameShape(x.shape, shape)) return x
  const source = graph.producer(x)
  if (source?.op === 'Reshape' && source.inputs[0]) return reshape(graph, source.inputs[0], shape)
  if (shape.includes(0)) return graph.op('Reshape', [x, graph.shapeTensor(shape)], { allowzero: 1 })
  let inferred = false
  const target = shape.map((dim, axis) => {
    if (typeof dim === 'number') return dim
    if (x.shape[axis] === dim) return 0
    if (inferred) return dim
    inferred = true
    return -1
  })
  return graph.op('Reshape', [x, graph.shapeTensor(target)])
}

/** Repeats axes of size 1 (and missing leading axes) up to a shape. */
export function expand(graph: Graph, x: Value, shape: readonly Dim[]): Value {
  return sameShape(x.shape, shape) ? x : graph.op('Expand', [x, graph.shapeTensor(shape)])
}

export function transpose(graph: Graph, x: Value, permutation: readonly number[]): Value {
  if (permutation.every((axis, at) => axis === at)) return x
  const source = graph.producer(x)
  const inner = source?.op === 'Transpose' ? source.attributes['perm'] : undefined
  if (source?.inputs[0] && Array.isArray(inner)) {
    return transpose(
      graph,
      source.inputs[0],
      permutation.map((axis) => Number(inner[axis])),
    )
  }
  return graph.op('Transpose', [x], { perm: permutation })
}

/** Cuts `size` elements from `begin` along some axes. */
export function slice(graph: Graph, x: Value, begin: readonly number[], size: readonly Dim[]): Value {
  const axes = x.shape.map((_, axis) => axis).filter((axis) => begin[axis] !== 0 || size[axis] !== x.shape[axis])
  if (axes.length === 0) return x
  const ends = axes.map((axis): Dim => {
    const [start = 0, length = 0, dim] = [begin[axis], size[axis], x.shape[axis]]
    if (typeof length === 'number' && start + length === dim) return TO_THE_END
    if (start === 0) return length
    return typeof length === 'number' ? start + length : TO_THE_END
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

function concat(graph: Graph, values: Value[], axis: number): Value {
  const [first, ...rest] = values
  return first && rest.length === 0 ? first : graph.op('Concat', values, { axis })
}

const insert = (shape: readonly Dim[], axis: number, dim: Dim) => shape.toSpliced(axis, 0, dim)

/** A tensor of one value everywhere. */
export const fill = (graph: Graph, value: number, { type, shape }: Pick<Value, 'type' | 'shape'>): Value =>
  expand(graph, graph.scalar(value, type), shape)

const split = kernel<SplitVInputs, SplitVAttrs>(({ x }, { numOrSizeSplits, axis }, { graph, standIns }) => {
  const [at = 0] = positive(axis, x.shape.length)
  const dim = x.shape[at]
  const even =
    typeof numOrSizeSplits === 'number' && typeof dim === 'number'
      ? Array<number>(numOrSizeSplits).fill(dim / numOrSizeSplits)
      : numOrSizeSplits
  if (typeof even === 'number') throw new Error(`a symbolic size ${dim} cannot be split`)
  return graph.ops('Split', [x, graph.shapeTensor(standIns.toDims(even))], { axis: at })
})

const unpack = kernel<UnpackInputs, UnpackAttrs>(({ value }, { axis }, { graph }) => {
  const [at = 0] = positive(axis, value.shape.length)
  const count = value.shape[at]
  if (typeof count !== 'number') throw new Error(`a symbolic size ${count} cannot be unstacked`)
  const ones = graph.integers(Array<number>(count).fill(1))
  return graph
    .ops('Split', [value, ones], { axis: at })
    .map((part) => reshape(graph, part, value.shape.toSpliced(at, 1)))
})

const pad = kernel<PadV2Inputs, PadV2Attrs>(({ x }, { paddings, constantValue }, { graph }) => {
  const pads = graph.integers([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)])
  return graph.op('Pad', [x, pads, graph.scalar(constantValue, x.type)])
})

const reverse = kernel<ReverseInputs, ReverseAttrs>(({ x }, { dims }, { graph }) => {
  const axes = positive(dims, x.shape.length)
  if (axes.length === 0) return x
  const all = (value: number) => graph.integers(axes.map(() => value))
  return graph.op('Slice', [x, all(-1), all(-TO_THE_END), graph.integers(axes), all(-1)])
})

const variadic = (inputs: object): Value[] => Object.values(inputs)

export const shapes = {
  Concat: kernel<Record<string, TensorInfo>, ConcatAttrs>((inputs, { axis }, { graph }) => {
    const values = variadic(inputs)
    const [at = 0] = positive(axis, values[0]?.shape.length ?? 0)
    // TF.js drops empty tensors; ONNX needs equal ranks but takes zero sizes.
    return concat(graph, values, at)
  }),
  ExpandDims: kernel<ExpandDimsInputs, ExpandDimsAttrs>(({ input }, { dim }, { graph }) => {
    const [axis = 0] = positive(dim, input.shape.length + 1)
    return reshape(graph, input, insert(input.shape, axis, 1))
  }),
  Fill: kernel<object, FillAttrs>((_, { shape, value, dtype }, { graph, standIns }) => {
    if (typeof value !== 'number') throw new Error('text cannot be traced')
    const type = dtype === 'int32' ? 'int64' : dtype === 'bool' ? 'bool' : 'float32'
    return fill(graph, value, { type, shape: standIns.toDims(shape) })
  }),
  OnesLike: kernel<OnesLikeInputs>(({ x }, _, { graph }) => fill(graph, 1, x)),
  Pack: kernel<Record<string, TensorInfo>, PackAttrs>((inputs, { axis }, { graph }) => {
    const values = variadic(inputs)
    const [at = 0] = positive(axis, (values[0]?.shape.length ?? 0) + 1)
    const parts = values.map((value) => reshape(graph, value, insert(value.shape, at, 1)))
    return concat(graph, parts, at)
  }),
  PadV2: pad,
  Reshape: kernel<ReshapeInputs, ReshapeAttrs>(({ x }, { shape }, { graph, standIns }) => {
    const size = sizeOf(standIns.toNumbers(x.shape))
    return reshape(graph, x, standIns.toDims(util.inferFromImplicitShape(shape, size)))
  }),
  Reverse: reverse,
  Slice: kernel<SliceInputs, SliceAttrs>(({ x }, { begin, size }, { graph, standIns }) => {
    const { starts, sizes } = sliceRange(standIns.toNumbers(x.shape), begin, size)
    return slice(graph, x, starts, standIns.toDims(sizes))
  }),
  SplitV: split,
  Tile: kernel<TileInputs, TileAttrs>(({ x }, { reps }, { graph, standIns }) =>
    reps.every((repeat) => repeat === 1) ? x : graph.op('Tile', [x, graph.shapeTensor(standIns.toDims(reps))]),
  ),
  Transpose: kernel<TransposeInputs, TransposeAttrs>(({ x }, { perm }, { graph }) => transpose(graph, x, perm)),
  Unpack: unpack,
  ZerosLike: kernel<ZerosLikeInputs>(({ x }, _, { graph }) => fill(graph, 0, x)),
}
