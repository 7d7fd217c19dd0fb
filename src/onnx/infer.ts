/**
 * Shape and type inference: one rule for each ONNX operator in use. Rules serve twice: while a graph is built, and
 * again when the finished graph is checked.
 */
import { GraftError } from '../core/errors.ts'
import { printType } from './print.ts'
import type { Attributes, TensorType, Value } from './graph.ts'
import type { Dim } from './dims.ts'
import { convolution } from './infer/convolution.ts'
import { elementwise } from './infer/elementwise.ts'
import { indexing } from './infer/indexing.ts'
import { products } from './infer/products.ts'
import { quantized } from './infer/quantized.ts'
import { reductions } from './infer/reductions.ts'
import { shapes } from './infer/shapes.ts'

/** What a rule says of an output: its type, and the sizes that it holds where it is a known shape tensor. */
export interface Inferred extends TensorType {
  sizes?: Dim[]
}

export interface RuleContext {
  /** The input at a position; an error if it is missing. */
  input(position: number): Value
  /** All inputs; optional ones that are missing are null. */
  inputs: readonly (Value | null)[]
  attributes: Attributes
  /** An integer attribute, or its default. */
  integer(name: string, fallback: number): number
  /** A list-of-integers attribute. */
  integers(name: string): readonly number[]
  /** What the shape tensor at a position holds. */
  sizes(position: number): Dim[]
  fail(reason: string): never
}

export type Rule = (context: RuleContext) => Inferred | Inferred[]

const rules = {
  ...elementwise,
  ...reductions,
  ...shapes,
  ...indexing,
  ...products,
  ...convolution,
  ...quantized,
} satisfies Record<string, Rule>

/** The operators that the compiler emits: ONNX', and a few of ONNX Runtime's own domain. */
export type OpName = keyof typeof rules

/**
 * Types and shapes of an operator's outputs.
 * @throws GraftError `trace` where the inputs do not fit the operator
 */
export function inferTypes(op: OpName, inputs: readonly (Value | null)[], attributes: Attributes): Inferred[] {
  const fail = (reason: string): never => {
    const operands = inputs.map((value) => (value ? printType(value) : '_')).join(', ')
    throw new GraftError('trace', `${op}(${operands}): ${reason}`, {
      hint: 'The inputs do not fit this ONNX operator: check the shapes and types of the traced program.',
      value: op,
    })
  }
  const input = (position: number) => inputs[position] ?? fail(`input ${position} is missing`)
  const rule: Rule = rules[op]
  const result = rule({
    input,
    inputs,
    attributes,
    integer: (name, fallback) => {
      const value = attributes[name] ?? fallback
      return typeof value === 'number' ? value : fail(`attribute ${name} is not an integer`)
    },
    integers: (name) => {
      const value = attributes[name]
      return Array.isArray(value) ? value : fail(`attribute ${name} is not a list`)
    },
    sizes: (position) => input(position).sizes ?? fail(`input ${position} must hold known sizes`),
    fail,
  })
  return Array.isArray(result) ? result : [result]
}
