/** Inference rules of elementwise operators, with ONNX' (NumPy's) broadcasting. */
import { type Dim, multiply } from '../dims.ts'
import type { ElementType } from '../types.ts'
import type { Rule, RuleContext } from '../infer.ts'

/** The shape of operands broadcast together, aligned at the last axis. */
export function broadcast(shapes: readonly (readonly Dim[])[], fail: (reason: string) => never): Dim[] {
  const rank = Math.max(...shapes.map((shape) => shape.length))
  return Array.from({ length: rank }, (_, axis) => {
    const dims = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1).filter((dim) => dim !== 1)
    const [first = 1] = dims
    return dims.every((dim) => dim === first) ? first : fail(`sizes ${dims.join(' and ')} do not broadcast`)
  })
}

const operands = ({ inputs, input }: RuleContext) => inputs.map((_, position) => input(position))

/** Output has the type and shape of the first input. */
const unary: Rule = ({ input }) => ({ type: input(0).type, shape: input(0).shape })

/** The same for operators that ONNX, or ONNX Runtime, has for one type only. */
const unaryOf =
  (type: ElementType): Rule =>
  ({ input, fail }) =>
    input(0).type === type ? { type, shape: input(0).shape } : fail(`the operand is not ${type}`)

const float = unaryOf('float32')

const predicate: Rule = ({ input, fail }) =>
  input(0).type === 'float32' ? { type: 'bool', shape: input(0).shape } : fail('the operand is not float32')

/** @param types of operands that the operator takes */
function broadcasting(types: readonly ElementType[], output?: ElementType): Rule {
  return (context) => {
    const values = operands(context)
    const { type } = context.input(0)
    if (values.some((value) => value.type !== type)) context.fail('operands differ in type')
    if (!types.includes(type)) context.fail(`operands are ${type}`)
    return {
      type: output ?? type,
      shape: broadcast(
        values.map(({ shape }) => shape),
        context.fail,
      ),
    }
  }
}

const NUMBERS: readonly ElementType[] = ['float32', 'int64']
const arithmetic = broadcasting(NUMBERS)
const comparison = broadcasting(NUMBERS, 'bool')
const logic = broadcasting(['bool'])

/** Products of known sizes are known sizes: `Mul` also computes symbolic dimensions. */
const product: Rule = (context) => {
  const [a, b] = [context.input(0), context.input(1)]
  const inferred = [arithmetic(context)].flat()[0] ?? context.fail('no result')
  const single = a.sizes?.length === 1 && b.sizes?.length === 1
  return single ? { ...inferred, sizes: [multiply([...(a.sizes ?? []), ...(b.sizes ?? [])])] } : inferred
}

const cast: Rule = ({ input, attributes, fail }) => {
  const to = attributes['to']
  if (to !== 'float32' && to !== 'int64' && to !== 'bool') return fail(`cannot cast to ${String(to)}`)
  return { type: to, shape: input(0).shape }
}

const where: Rule = ({ input, fail }) => {
  const [condition, a, b] = [input(0), input(1), input(2)]
  if (condition.type !== 'bool') fail('the condition is not bool')
  if (a.type !== b.type) fail('the branches differ in type')
  if (a.type === 'bool') fail('the branches are bool')
  return { type: a.type, shape: broadcast([condition.shape, a.shape, b.shape], fail) }
}

/** The slope broadcasts to x, not x to the slope. */
const prelu: Rule = (context) => {
  const { type, shape } = context.input(0)
  const both = broadcast([shape, context.input(1).shape], context.fail)
  if (String(both) !== String(shape)) context.fail('the slope does not broadcast to x')
  return { type, shape }
}

export const elementwise = {
  Abs: unary,
  Clip: unary,
  CumSum: unary,
  Identity: unary,
  Neg: unary,
  Sign: unary,
  Not: unaryOf('bool'),
  Acos: float,
  Acosh: float,
  Asin: float,
  Asinh: float,
  Atan: float,
  Atanh: float,
  Ceil: float,
  Cos: float,
  Cosh: float,
  Elu: float,
  Erf: float,
  Exp: float,
  Floor: float,
  Gelu: float,
  LeakyRelu: float,
  Log: float,
  Reciprocal: float,
  Relu: float,
  Round: float,
  Selu: float,
  Sigmoid: float,
  Sin: float,
  Sinh: float,
  Softmax: float,
  Softplus: float,
  Sqrt: float,
  Tan: float,
  Tanh: float,
  IsInf: predicate,
  IsNaN: predicate,
  Add: arithmetic,
  BitwiseAnd: broadcasting(['int64']),
  Div: arithmetic,
  Max: arithmetic,
  Min: arithmetic,
  Mod: arithmetic,
  Mul: product,
  Pow: arithmetic,
  Sub: arithmetic,
  PRelu: prelu,
  And: logic,
  Or: logic,
  Equal: broadcasting(['float32', 'int64', 'bool'], 'bool'),
  Greater: comparison,
  GreaterOrEqual: comparison,
  Less: comparison,
  LessOrEqual: comparison,
  Cast: cast,
  Where: where,
} satisfies Record<string, Rule>
