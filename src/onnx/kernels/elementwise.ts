/** Elementwise kernels: arithmetic, comparison, logic. */
import type {
  BinaryInputs,
  CastAttrs,
  CastInputs,
  ClipByValueAttrs,
  ClipByValueInputs,
  SelectInputs,
  TensorInfo,
  UnaryInputs,
} from '@tensorflow/tfjs'
import type { Graph, Value } from '../graph.ts'
import { type ElementType, elementType } from '../types.ts'
import { broadcast } from '../infer/elementwise.ts'
import type { OpName } from '../infer.ts'
import { kernel, unsupported } from './define.ts'
import { expand, unexpanded } from './shapes.ts'

/** The shape of operands broadcast together. */
export const broadcastShape = (operands: readonly Value[]) =>
  broadcast(
    operands.map(({ shape }) => shape),
    () => unsupported(`shapes ${operands.map(({ shape }) => `[${shape.join(', ')}]`).join(' and ')} do not broadcast`),
  )

/**
 * An elementwise operator on operands that broadcast. Operands that were merely expanded (TF.js' gradients and
 * constants of symbolic shape are) are used as they were before, and the result is expanded instead.
 */
export const elementwiseOp = (graph: Graph, op: OpName, operands: readonly Value[]): Value =>
  expand(
    graph,
    graph.op(
      op,
      operands.map((operand) => unexpanded(graph, operand)),
    ),
    broadcastShape(operands),
  )

/** Operands for which an operator returns the other one: x + 0, x - 0, x · 1, x / 1. */
const NEUTRAL: Partial<Record<OpName, number>> = { Add: 0, Sub: 0, Mul: 1, Div: 1 }
const COMMUTATIVE: ReadonlySet<OpName> = new Set(['Add', 'Mul'])

/** A binary operator on operands that broadcast; neutral ones, by which TF.js' gradients multiply, are dropped. */
export function binaryOp(graph: Graph, op: OpName, left: Value, right: Value): Value {
  const isNeutral = (value: Value) => NEUTRAL[op] !== undefined && constantOf(graph, value) === NEUTRAL[op]
  if (isNeutral(right)) return expand(graph, left, broadcastShape([left, right]))
  if (COMMUTATIVE.has(op) && isNeutral(left)) return expand(graph, right, broadcastShape([left, right]))
  return elementwiseOp(graph, op, [left, right])
}

/** The number that every element is, where it is known. */
function constantOf(graph: Graph, value: Value): number | undefined {
  const { data } = unexpanded(graph, value)
  return data?.length === 1 ? data[0] : undefined
}

export const cast = (graph: Graph, x: Value, type: ElementType): Value =>
  x.type === type ? x : graph.op('Cast', [x], { to: type })

/** A kernel of one tensor. */
export const derived = (emit: (graph: Graph, x: Value) => Value) =>
  kernel<UnaryInputs>(({ x }, _, { graph }) => emit(graph, x))

export const unary = (op: OpName) => derived((graph, x) => elementwiseOp(graph, op, [x]))

const binary = (op: OpName) => kernel<BinaryInputs>(({ a, b }, _, { graph }) => binaryOp(graph, op, a, b))

/** A comparison by size; ONNX has no order of bools. */
const ordering = (op: OpName) =>
  kernel<BinaryInputs>(({ a, b }, _, { graph }) => {
    const operands = [a, b].map((value) => (value.type === 'bool' ? cast(graph, value, 'int64') : value))
    return elementwiseOp(graph, op, operands)
  })

const castKernel = kernel<CastInputs, CastAttrs>(({ x }, { dtype }, { graph }) => cast(graph, x, elementType(dtype)))

/** ONNX Runtime chooses between numbers only, so a choice between bools is made by logic. */
const select = kernel<SelectInputs>(({ condition, t, e }, _, { graph }) => {
  if (t.type !== 'bool') return elementwiseOp(graph, 'Where', [condition, t, e])
  const otherwise = elementwiseOp(graph, 'And', [elementwiseOp(graph, 'Not', [condition]), e])
  return elementwiseOp(graph, 'Or', [elementwiseOp(graph, 'And', [condition, t]), otherwise])
})

/** An infinite bound is none. */
const clip = kernel<ClipByValueInputs, ClipByValueAttrs>(({ x }, { clipValueMin, clipValueMax }, { graph }) => {
  const bound = (value: number) => (Number.isFinite(value) ? graph.scalar(value, x.type) : null)
  return graph.op('Clip', [x, bound(clipValueMin), bound(clipValueMax)])
})

/** ⌊a / b⌋ as integers. Dividing integers by zero is an error at run time. */
const floorDiv = kernel<BinaryInputs>(({ a, b }, _, { graph }) => {
  if (a.type === 'float32') return cast(graph, elementwiseOp(graph, 'Floor', [binaryOp(graph, 'Div', a, b)]), 'int64')
  // ONNX divides integers towards zero; the remainder with the divisor's sign makes the division exact.
  return binaryOp(graph, 'Div', binaryOp(graph, 'Sub', a, elementwiseOp(graph, 'Mod', [a, b])), b)
})

/** The remainder with the sign of the divisor. */
const mod = kernel<BinaryInputs>(({ a, b }, _, { graph }) => {
  if (a.type === 'int64') return elementwiseOp(graph, 'Mod', [a, b])
  const rest = graph.op('Mod', [a, b], { fmod: 1 })
  const opposed = elementwiseOp(graph, 'Less', [binaryOp(graph, 'Mul', rest, b), graph.scalar(0)])
  return elementwiseOp(graph, 'Where', [opposed, binaryOp(graph, 'Add', rest, b), rest])
})

/** The angle of the point (b, a), which ONNX lacks: arctan of the quotient, corrected by quadrant. */
const atan2 = kernel<BinaryInputs>(({ a: y, b: x }, _, { graph }) => {
  const number = (value: number) => graph.scalar(value)
  const isNegative = (value: Value) => elementwiseOp(graph, 'Less', [value, number(0)])
  const choose = (condition: Value, a: Value, b: Value) => elementwiseOp(graph, 'Where', [condition, a, b])
  const halfTurn = choose(isNegative(y), number(-Math.PI), number(Math.PI))
  const angle = elementwiseOp(graph, 'Atan', [binaryOp(graph, 'Div', y, x)])
  const turned = binaryOp(graph, 'Add', angle, choose(isNegative(x), halfTurn, number(0)))
  const upright = binaryOp(graph, 'Mul', elementwiseOp(graph, 'Sign', [y]), number(Math.PI / 2))
  return choose(elementwiseOp(graph, 'Equal', [x, number(0)]), upright, turned)
})

export const elementwise = {
  Abs: unary('Abs'),
  Acos: unary('Acos'),
  Acosh: unary('Acosh'),
  Asin: unary('Asin'),
  Asinh: unary('Asinh'),
  Atan: unary('Atan'),
  Atanh: unary('Atanh'),
  Ceil: unary('Ceil'),
  Cos: unary('Cos'),
  Cosh: unary('Cosh'),
  Erf: unary('Erf'),
  Exp: derived((graph, x) => elementwiseOp(graph, 'Exp', [cast(graph, x, 'float32')])),
  Expm1: derived((graph, x) => binaryOp(graph, 'Sub', elementwiseOp(graph, 'Exp', [x]), graph.scalar(1))),
  Floor: unary('Floor'),
  Identity: derived((_, x) => x),
  IsFinite: derived((graph, x) => graph.op('Not', [graph.op('Or', [graph.op('IsNaN', [x]), graph.op('IsInf', [x])])])),
  IsInf: unary('IsInf'),
  IsNan: unary('IsNaN'),
  Log: unary('Log'),
  Log1p: derived((graph, x) => elementwiseOp(graph, 'Log', [binaryOp(graph, 'Add', x, graph.scalar(1))])),
  LogicalNot: unary('Not'),
  Neg: unary('Neg'),
  Reciprocal: unary('Reciprocal'),
  Round: derived((graph, x) => (x.type === 'int64' ? x : elementwiseOp(graph, 'Round', [x]))),
  Rsqrt: derived((graph, x) => elementwiseOp(graph, 'Reciprocal', [elementwiseOp(graph, 'Sqrt', [x])])),
  Sign: unary('Sign'),
  Sin: unary('Sin'),
  Sinh: unary('Sinh'),
  Sqrt: unary('Sqrt'),
  Square: derived((graph, x) => elementwiseOp(graph, 'Mul', [x, x])),
  Tan: unary('Tan'),
  Add: binary('Add'),
  AddN: kernel<Record<string, TensorInfo>>((inputs, _, { graph }) =>
    Object.values(inputs).reduce((sum, value) => binaryOp(graph, 'Add', sum, value)),
  ),
  Atan2: atan2,
  BitwiseAnd: binary('BitwiseAnd'),
  Equal: binary('Equal'),
  FloorDiv: floorDiv,
  Greater: ordering('Greater'),
  GreaterEqual: ordering('GreaterOrEqual'),
  Less: ordering('Less'),
  LessEqual: ordering('LessOrEqual'),
  LogicalAnd: binary('And'),
  LogicalOr: binary('Or'),
  Maximum: binary('Max'),
  Minimum: binary('Min'),
  Mod: mod,
  Multiply: binary('Mul'),
  NotEqual: kernel<BinaryInputs>(({ a, b }, _, { graph }) =>
    elementwiseOp(graph, 'Not', [binaryOp(graph, 'Equal', a, b)]),
  ),
  Pow: binary('Pow'),
  RealDiv: binary('Div'),
  SquaredDifference: kernel<BinaryInputs>(({ a, b }, _, { graph }) => {
    const difference = binaryOp(graph, 'Sub', a, b)
    return elementwiseOp(graph, 'Mul', [difference, difference])
  }),
  Sub: binary('Sub'),
  Cast: castKernel,
  ClipByValue: clip,
  Select: select,
}
