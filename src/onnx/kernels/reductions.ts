/** Reductions and softmax. TF.js hands over non-negative axes; its ops add the kept sizes of 1 by a later reshape. */
import type { ArgMaxAttrs, ArgMaxInputs, SoftmaxAttrs, SoftmaxInputs, SumInputs } from '@tensorflow/tfjs'
import type { Graph, Value } from '../graph.ts'
import type { OpName } from '../infer.ts'
import { kernel, positive } from './define.ts'
import { cast } from './elementwise.ts'
import { expand, reshape } from './shapes.ts'

interface ReductionAttributes {
  axis?: number | number[]
  /** What TF.js calls the axes of `max`. */
  reductionIndices?: number | number[]
  keepDims?: boolean
}

/** A reduction over the given axes, all by default; over none it changes nothing, where ONNX would take all. */
function reduced(graph: Graph, op: OpName, x: Value, attributes: ReductionAttributes): Value {
  const { axis, reductionIndices, keepDims = false } = attributes
  const axes = positive(axis ?? reductionIndices ?? [...x.shape.keys()], x.shape.length)
  return axes.length === 0 ? x : graph.op(op, [x, graph.integers(axes)], { keepdims: keepDims ? 1 : 0 })
}

const reduce = (op: OpName) =>
  kernel<SumInputs, ReductionAttributes>(({ x }, attributes, { graph }) => reduced(graph, op, x, attributes))

/** `all` and `any` on 0 and 1. */
const logical = (op: OpName) =>
  kernel<SumInputs, ReductionAttributes>(({ x }, attributes, { graph }) =>
    cast(graph, reduced(graph, op, cast(graph, x, 'int64'), attributes), 'bool'),
  )

const argument = (op: OpName) =>
  kernel<ArgMaxInputs, ArgMaxAttrs>(({ x }, { axis }, { graph }) =>
    graph.op(op, [x], { axis: positive(axis, x.shape.length)[0], keepdims: 0 }),
  )

/**
 * The sums of a matrix's columns, which gradients of biases and scales are, as a product with a row of ones: on the CPU ONNX
 * Runtime's ReduceSum takes 2.7 times as long for [512, 256].
 */
const sum = kernel<SumInputs, ReductionAttributes>(({ x }, attributes, { graph }) => {
  const [rows, columns] = x.shape
  const isOfColumns = x.shape.length === 2 && String(attributes.axis) === '0' && x.type === 'float32'
  if (!isOfColumns || rows === undefined || columns === undefined) return reduced(graph, 'ReduceSum', x, attributes)
  const ones = expand(graph, graph.scalar(1, 'float32'), [1, rows])
  const row = graph.op('MatMul', [ones, x])
  return attributes.keepDims ? row : reshape(graph, row, [columns])
})

export const reductions = {
  All: logical('ReduceMin'),
  Any: logical('ReduceMax'),
  ArgMax: argument('ArgMax'),
  ArgMin: argument('ArgMin'),
  Max: reduce('ReduceMax'),
  Mean: kernel<SumInputs, ReductionAttributes>(({ x }, attributes, { graph }) =>
    reduced(graph, 'ReduceMean', cast(graph, x, 'float32'), attributes),
  ),
  Min: reduce('ReduceMin'),
  Prod: reduce('ReduceProd'),
  Sum: sum,
  Softmax: kernel<SoftmaxInputs, SoftmaxAttrs>(({ logits }, { dim }, { graph }) =>
    graph.op('Softmax', [logits], { axis: positive(dim, logits.shape.length)[0] }),
  ),
}
