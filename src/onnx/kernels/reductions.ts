/** Reductions and softmax. TF.js hands over non-negative axes; its ops add the kept sizes of 1 by a later reshape. */
import type {
  ArgMaxAttrs,
  ArgMaxInputs,
  LogSoftmaxAttrs,
  LogSoftmaxInputs,
  SoftmaxAttrs,
  SoftmaxInputs,
  SumAttrs,
  SumInputs,
} from '@tensorflow/tfjs'
import type { OpName } from '../infer.ts'
import { kernel, positive } from './define.ts'
import { cast } from './elementwise.ts'

interface ReductionAttributes {
  axis?: number | number[]
  /** What TF.js calls the axes of `max`. */
  reductionIndices?: number | number[]
  keepDims?: boolean
}

const reduce = (op: OpName) =>
  kernel<SumInputs, ReductionAttributes>(({ x }, { axis, reductionIndices, keepDims = false }, { graph }) => {
    const axes = positive(axis ?? reductionIndices ?? x.shape.map((_, at) => at), x.shape.length)
    return axes.length === 0 ? x : graph.op(op, [x, graph.integers(axes)], { keepdims: keepDims ? 1 : 0 })
  })

/** `all` and `any` on 0 and 1. */
const logical = (op: OpName) =>
  kernel<SumInputs, SumAttrs & { keepDims?: boolean }>(({ x }, { axis, keepDims = false }, { graph }) => {
    const axes = graph.integers(positive(axis ?? x.shape.map((_, at) => at), x.shape.length))
    const reduced = graph.op(op, [cast(graph, x, 'int64'), axes], { keepdims: keepDims ? 1 : 0 })
    return cast(graph, reduced, 'bool')
  })

const argument = (op: OpName) =>
  kernel<ArgMaxInputs, ArgMaxAttrs>(({ x }, { axis }, { graph }) =>
    graph.op(op, [x], { axis: positive(axis, x.shape.length)[0], keepdims: 0 }),
  )

export const reductions = {
  All: logical('ReduceMin'),
  Any: logical('ReduceMax'),
  ArgMax: argument('ArgMax'),
  ArgMin: argument('ArgMin'),
  Max: reduce('ReduceMax'),
  Mean: reduce('ReduceMean'),
  Min: reduce('ReduceMin'),
  Prod: reduce('ReduceProd'),
  Sum: reduce('ReduceSum'),
  LogSoftmax: kernel<LogSoftmaxInputs, LogSoftmaxAttrs>(({ logits }, { axis }, { graph }) =>
    graph.op('LogSoftmax', [logits], { axis: positive(axis, logits.shape.length)[0] }),
  ),
  Softmax: kernel<SoftmaxInputs, SoftmaxAttrs>(({ logits }, { dim }, { graph }) =>
    graph.op('Softmax', [logits], { axis: positive(dim, logits.shape.length)[0] }),
  ),
}
