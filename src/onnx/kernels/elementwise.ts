/** Elementwise kernels: arithmetic, comparison, logic, activations. */
import type {
  BinaryInputs,
  CastAttrs,
  CastInputs,
  ClipByValueAttrs,
  ClipByValueInputs,
  EluGradInputs,
  LeakyReluAttrs,
  LeakyReluInputs,
  PreluInputs,
  SelectInputs,
  StepAttrs,
  StepInputs,
  TensorInfo,
  UnaryInputs,
} from '@tensorflow/tfjs'
import type { ElementType, Graph, Value } from '../graph.ts'
import { broadcast } from '../infer/elementwise.ts'
import type { OpName } from '../infer.ts'
import { kernel } from './define.ts'
import { expand, reshape } from './shapes.ts'

const unary = (op: OpName) => kernel<UnaryInputs>(({ x }, _, { graph }) => graph.op(op, [x]))

/** Operands for which an operator returns the other one: x + 0, x - 0, x · 1, x / 1. */
const NEUTRAL: Partial<Record<OpName, number>> = { Add: 0, Sub: 0, Mul: 1, Div: 1 }
const COMMUTATIVE: ReadonlySet<OpName> = new Set(['Add', 'Mul'])

/**
 * A binary operator on operands that broadcast. TF.js' gradients multiply by ones and add zeros of full size; an
 * operand that was merely expanded is used as it was before, and a neutral one not at all.
 */
export function binaryOp(graph: Graph, op: OpName, left: Value, right: Value): Value {
  const shape = broadcast([left.shape, right.shape], () => {
    throw new Error(`shapes [${left.shape.join()}] and [${right.shape.join()}] do not broadcast`)
  })
  const isNeutral = (value: Value) => NEUTRAL[op] !== undefined && constantOf(graph, value) === NEUTRAL[op]
  if (isNeutral(right)) return expand(graph, left, shape)
  if (COMMUTATIVE.has(op) && isNeutral(left)) return expand(graph, right, shape)
  const a = isFull(right, shape) ? unexpanded(graph, left) : left
  const b = isFull(left, shape) ? unexpanded(graph, right) : right
  return graph.op(op, [a, b])
}

const isFull = ({ shape }: Value, full: Value['shape']) =>
  shape.length === full.length && shape.every((dim, axis) => dim === full[axis])

function unexpanded(graph: Graph, value: Value): Value {
  const node = graph.producer(value)
  return node?.op === 'Expand' && node.inputs[0] ? node.inputs[0] : value
}

/** The number that every element is, where it is known. */
function constantOf(graph: Graph, value: Value): number | undefined {
  const { data } = unexpanded(graph, value)
  return data?.length === 1 ? data[0] : undefined
}

const binary = (op: OpName) => kernel<BinaryInputs>(({ a, b }, _, { graph }) => binaryOp(graph, op, a, b))

/** A float computed from x alone by several operators. */
const derived = (emit: (x: Value, graph: Graph) => Value) =>
  kernel<UnaryInputs>(({ x }, _, { graph }) => emit(x, graph))

export const cast = (graph: Graph, x: Value, type: ElementType): Value =>
  x.type === type ? x : graph.op('Cast', [x], { to: type })

const ELEMENT_TYPES: Record<string, ElementType> = { float32: 'float32', int32: 'int64', bool: 'bool' }

const castKernel = kernel<CastInputs, CastAttrs>(({ x }, { dtype }, { graph }) => {
  const type = ELEMENT_TYPES[dtype]
  if (!type) throw new Error(`no ONNX type for ${dtype}`)
  return cast(graph, x, type)
})

/** TF.js' `where`: a condition of rank 1 chooses whole rows. */
const select = kernel<SelectInputs>(({ condition, t, e }, _, { graph }) => {
  const rank = t.shape.length
  const aligned =
    condition.shape.length === 1 && rank > 1
      ? reshape(graph, condition, [...condition.shape, ...Array.from({ length: rank - 1 }, () => 1)])
      : condition
  return graph.op('Where', [aligned, t, e])
})

const clip = kernel<ClipByValueInputs, ClipByValueAttrs>(({ x }, { clipValueMin, clipValueMax }, { graph }) =>
  graph.op('Clip', [x, graph.scalar(clipValueMin, x.type), graph.scalar(clipValueMax, x.type)]),
)

/** 1 where x > 0, else alpha; NaN stays NaN. */
const step = kernel<StepInputs, StepAttrs>(({ x }, { alpha }, { graph }) => {
  const chosen = graph.op('Where', [graph.op('Greater', [x, graph.scalar(0)]), graph.scalar(1), graph.scalar(alpha)])
  return graph.op('Where', [graph.op('IsNaN', [x]), x, chosen])
})

/** dy where y ≥ 0, else dy · (y + 1). */
const eluGrad = kernel<EluGradInputs>(({ dy, y }, _, { graph }) => {
  const below = graph.op('Mul', [dy, graph.op('Add', [y, graph.scalar(1)])])
  return graph.op('Where', [graph.op('GreaterOrEqual', [y, graph.scalar(0)]), dy, below])
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
  Elu: unary('Elu'),
  Erf: unary('Erf'),
  Exp: unary('Exp'),
  Expm1: derived((x, graph) => graph.op('Sub', [graph.op('Exp', [x]), graph.scalar(1)])),
  Floor: unary('Floor'),
  Identity: kernel<UnaryInputs>(({ x }) => x),
  IsInf: unary('IsInf'),
  IsNan: unary('IsNaN'),
  Log: unary('Log'),
  Log1p: derived((x, graph) => graph.op('Log', [graph.op('Add', [x, graph.scalar(1)])])),
  LogicalNot: unary('Not'),
  Neg: unary('Neg'),
  Reciprocal: unary('Reciprocal'),
  Relu: unary('Relu'),
  Relu6: derived((x, graph) => graph.op('Clip', [x, graph.scalar(0), graph.scalar(6)])),
  Round: unary('Round'),
  Rsqrt: derived((x, graph) => graph.op('Reciprocal', [graph.op('Sqrt', [x])])),
  Selu: unary('Selu'),
  Sigmoid: unary('Sigmoid'),
  Sign: unary('Sign'),
  Sin: unary('Sin'),
  Sinh: unary('Sinh'),
  Softplus: unary('Softplus'),
  Sqrt: unary('Sqrt'),
  Square: derived((x, graph) => graph.op('Mul', [x, x])),
  Tan: unary('Tan'),
  Tanh: unary('Tanh'),
  Add: binary('Add'),
  AddN: kernel<Record<string, TensorInfo>>((inputs, _, { graph }) =>
    Object.values(inputs).reduce((sum, value) => binaryOp(graph, 'Add', sum, value)),
  ),
  Equal: binary('Equal'),
  FloorDiv: kernel<BinaryInputs>(({ a, b }, _, { graph }) => {
    const quotient = binaryOp(graph, 'Div', cast(graph, a, 'float32'), cast(graph, b, 'float32'))
    return cast(graph, graph.op('Floor', [quotient]), a.type)
  }),
  Greater: binary('Greater'),
  GreaterEqual: binary('GreaterOrEqual'),
  Less: binary('Less'),
  LessEqual: binary('LessOrEqual'),
  LogicalAnd: binary('And'),
  LogicalOr: binary('Or'),
  Maximum: binary('Max'),
  Minimum: binary('Min'),
  Multiply: binary('Mul'),
  NotEqual: kernel<BinaryInputs>(({ a, b }, _, { graph }) => graph.op('Not', [binaryOp(graph, 'Equal', a, b)])),
  Pow: binary('Pow'),
  Prelu: kernel<PreluInputs>(({ x, alpha }, _, { graph }) => graph.op('PRelu', [x, alpha])),
  RealDiv: binary('Div'),
  SquaredDifference: kernel<BinaryInputs>(({ a, b }, _, { graph }) => {
    const difference = binaryOp(graph, 'Sub', a, b)
    return graph.op('Mul', [difference, difference])
  }),
  Sub: binary('Sub'),
  Cast: castKernel,
  ClipByValue: clip,
  EluGrad: eluGrad,
  LeakyRelu: kernel<LeakyReluInputs, LeakyReluAttrs>(({ x }, { alpha }, { graph }) =>
    graph.op('LeakyRelu', [x], { alpha }),
  ),
  Select: select,
  Step: step,
}
