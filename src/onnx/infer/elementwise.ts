/** Inference rules of elementwise operators, with ONNX' (NumPy's) broadcasting. */
import { type Dim, multiply } from '../dims.ts'
import type { ElementType } from '../graph.ts'
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

const predicate: Rule = ({ input }) => ({ type: 'bool', shape: input(0).shape })

function broadcasting(output?: ElementType): Rule {
  return (context) => {
    const values = operands(context)
    const [{ type } = { type: 'float32' as const }] = values
    if (values.some((value) => value.type !== type)) context.fail('operands differ in type')
    return {
      type: output ?? type,
      shape: broadcast(
        values.map(({ shape }) => shape),
        context.fail,
      ),
    }
  }
}

/** Products of known sizes are known sizes: `Mul` also computes symbolic dimensions. */
const product: Rule = (context) => {
  const [a, b] = [context.input(0), context.input(1)]
  const inferred = broadcasting()(context)
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
  return { type: a.type, shape: broadcast([condition.shape, a.shape, b.shape], fail) }
}

export const elementwise = {
  Abs: unary,
  Acos: unary,
  Acosh: unary,
  Asin: unary,
  Asinh: unary,
  Atan: unary,
  Atanh: unary,
  Ceil: unary,
  Clip: unary,
  Cos: unary,
  Cosh: unary,
  CumSum: unary,
  Elu: unary,
  Erf: unary,
  Exp: unary,
  Floor: unary,
  Gelu: unary,
  Identity: unary,
  LeakyRelu: unary,
  Log: unary,
  LogSoftmax: unary,
  Neg: unary,
  Not: unary,
  Reciprocal: unary,
  Relu: unary,
  Round: unary,
  Selu: unary,
  Sigmoid: unary,
  Sign: unary,
  Sin: unary,
  Sinh: unary,
  Softmax: unary,
  Softplus: unary,
  Sqrt: unary,
  Tan: unary,
  Tanh: unary,
  IsInf: predicate,
  IsNaN: predicate,
  Add: broadcasting(),
  And: broadcasting(),
  Div: broadcasting(),
  Max: broadcasting(),
  Min: broadcasting(),
  Mod: broadcasting(),
  Mul: product,
  Or: broadcasting(),
  Pow: broadcasting(),
  PRelu: broadcasting(),
  Sub: broadcasting(),
  Equal: broadcasting('bool'),
  Greater: broadcasting('bool'),
  GreaterOrEqual: broadcasting('bool'),
  Less: broadcasting('bool'),
  LessOrEqual: broadcasting('bool'),
  Cast: cast,
  Where: where,
} satisfies Record<string, Rule>
