/** Kernels that move data: reshaping, joining, repeating, filling. */
import { util } from '@tensorflow/tfjs'
import type {
  ConcatAttrs,
  DepthToSpaceAttrs,
  DepthToSpaceInputs,
  ExpandDimsAttrs,
  ExpandDimsInputs,
  FillAttrs,
  OnesLikeInputs,
  PackAttrs,
  ReshapeAttrs,
  ReshapeInputs,
  TensorInfo,
  TileAttrs,
  TileInputs,
  TransposeAttrs,
  TransposeInputs,
  ZerosLikeInputs,
} from '@tensorflow/tfjs'
import { sizeOf } from '../../core/tensors.ts'
import { type Dim, divide, multiply } from '../dims.ts'
import type { Graph, Value } from '../graph.ts'
import { elementType } from '../types.ts'
import { kernel, positive, sizes, unsupported } from './define.ts'

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
  if (sameShape(x.shape, shape)) return x
  return graph.op('Expand', [unexpanded(graph, x), graph.shapeTensor(shape)])
}

/** What a value was before it was expanded, if it was. */
export function unexpanded(graph: Graph, value: Value): Value {
  const node = graph.producer(value)
  return node?.op === 'Expand' && node.inputs[0] ? node.inputs[0] : value
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

function concat(graph: Graph, values: Value[], axis: number): Value {
  const [first, ...rest] = values
  return first && rest.length === 0 ? first : graph.op('Concat', values, { axis })
}

const insert = (shape: readonly Dim[], axis: number, dim: Dim) => shape.toSpliced(axis, 0, dim)

/** A tensor of one value everywhere. */
export const fill = (graph: Graph, value: number, { type, shape }: Pick<Value, 'type' | 'shape'>): Value =>
  expand(graph, graph.scalar(value, type), shape)

/** Moves blocks of channels into height and width (channels last, in rows of the block). */
const depthToSpace = kernel<DepthToSpaceInputs, DepthToSpaceAttrs>(({ x }, { blockSize, dataFormat }, { graph }) => {
  const [batch = 1, height = 1, width = 1, depth = 1] = x.shape
  const channels = divide(depth, blockSize ** 2)
  if (dataFormat !== 'NHWC' || channels === undefined) return unsupported('only NHWC can be traced')
  const blocks = reshape(graph, x, [batch, height, width, blockSize, blockSize, channels])
  const moved = transpose(graph, blocks, [0, 1, 3, 2, 4, 5])
  return reshape(graph, moved, [batch, multiply([height, blockSize]), multiply([width, blockSize]), channels])
})

/** Repeating sizes of 1 only (TF.js' `broadcastTo` does) is an expansion, which operators undo. */
const tile = kernel<TileInputs, TileAttrs>(({ x }, _, context) => {
  const { graph } = context
  const repeats = sizes(context, ({ reps }) => reps)
  if (x.shape.every((dim, axis) => dim === 1 || repeats[axis] === 1))
    return expand(
      graph,
      x,
      x.shape.map((dim, axis) => multiply([dim, repeats[axis] ?? 1])),
    )
  return graph.op('Tile', [x, graph.shapeTensor(repeats)])
})

const variadic = (inputs: object): Value[] => Object.values(inputs)

export const shapes = {
  Concat: kernel<Record<string, TensorInfo>, ConcatAttrs>((inputs, { axis }, { graph }) => {
    const values = variadic(inputs)
    const [at = 0] = positive(axis, values[0]?.shape.length ?? 0)
    // TF.js drops empty tensors; ONNX needs equal ranks but takes zero sizes.
    return concat(graph, values, at)
  }),
  DepthToSpace: depthToSpace,
  ExpandDims: kernel<ExpandDimsInputs, ExpandDimsAttrs>(({ input }, { dim }, { graph }) => {
    const [axis = 0] = positive(dim, input.shape.length + 1)
    return reshape(graph, input, insert(input.shape, axis, 1))
  }),
  Fill: kernel<object, FillAttrs>((_, { value, dtype }, context) => {
    if (typeof value !== 'number') return unsupported('text cannot be traced')
    return fill(context.graph, value, { type: elementType(dtype), shape: sizes(context, ({ shape }) => shape) })
  }),
  OnesLike: kernel<OnesLikeInputs>(({ x }, _, { graph }) => fill(graph, 1, x)),
  Pack: kernel<Record<string, TensorInfo>, PackAttrs>((inputs, { axis }, { graph }) => {
    const values = variadic(inputs)
    const [at = 0] = positive(axis, (values[0]?.shape.length ?? 0) + 1)
    const parts = values.map((value) => reshape(graph, value, insert(value.shape, at, 1)))
    return concat(graph, parts, at)
  }),
  Reshape: kernel<ReshapeInputs, ReshapeAttrs>(({ x }, _, context) => {
    const target = sizes(context, ({ shape }, numbers) => util.inferFromImplicitShape(shape, sizeOf(numbers(x.shape))))
    return reshape(context.graph, x, target)
  }),
  Tile: tile,
  Transpose: kernel<TransposeInputs, TransposeAttrs>(({ x }, { perm }, { graph }) => transpose(graph, x, perm)),
  ZerosLike: kernel<ZerosLikeInputs>(({ x }, _, { graph }) => fill(graph, 0, x)),
}
