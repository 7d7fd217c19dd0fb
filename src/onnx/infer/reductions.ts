/** Inference rules of reductions. Axes are an int64 constant (opset 18), non-negative; none means all. */
import type { Dim } from '../dims.ts'
import type { ElementType } from '../types.ts'
import type { Rule } from '../infer.ts'

function reducedShape(shape: readonly Dim[], axes: readonly number[], keep: boolean): Dim[] {
  return shape.flatMap((dim, axis) => (axes.includes(axis) ? (keep ? [1] : []) : [dim]))
}

const reduction: Rule = ({ input, inputs, integer, fail }) => {
  const { type, shape } = input(0)
  const axes = inputs[1]?.data ?? fail('axes must be constant')
  return { type, shape: reducedShape(shape, [...axes], integer('keepdims', 1) === 1) }
}

/** `ArgMax` and `ArgMin` take one axis as an attribute. */
const argument: Rule = ({ input, integer }) => {
  const type: ElementType = 'int64'
  return { type, shape: reducedShape(input(0).shape, [integer('axis', 0)], integer('keepdims', 1) === 1) }
}

export const reductions = {
  ArgMax: argument,
  ArgMin: argument,
  ReduceLogSumExp: reduction,
  ReduceMax: reduction,
  ReduceMean: reduction,
  ReduceMin: reduction,
  ReduceProd: reduction,
  ReduceSum: reduction,
} satisfies Record<string, Rule>
