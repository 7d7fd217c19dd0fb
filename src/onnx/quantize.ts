/**
 * The pass that keeps constant weights in fewer bits: in training steps, whose base is frozen, and in exported graphs. It makes
 * another graph, in which each product with such a weight, and each look-up of its rows, is done the scheme's way.
 */
import { Graph, type Node, type Value } from './graph.ts'
import { optimize } from './optimize.ts'
import { fp16 } from './quantize/fp16.ts'
import { int4, int4Eight } from './quantize/int4.ts'
import { int8 } from './quantize/int8.ts'
import { nf4 } from './quantize/nf4.ts'
import type { SchemeRules, Weight } from './quantize/scheme.ts'

const schemes = { int8, int4, 'int4-eight': int4Eight, nf4, fp16 } satisfies Record<string, SchemeRules>

/** How a weight can be kept; `quantize/` has a file for each. */
export type Scheme = keyof typeof schemes

/** What a graph does with a weight: x · W, or its rows by their numbers. */
export type WeightUse = 'product' | 'rows'

export interface QuantizeResult {
  graph: Graph
  /** How each weight is kept that is not float32 any more, by name. */
  kept: Map<string, Scheme>
}

/**
 * Makes the graph in which named constants [rows, columns] are kept in fewer bits. Everything else stays as it is.
 * @param schemeOf how to keep a weight that is used so; undefined for float32
 * @example
 * import * as tf from '@tensorflow/tfjs'
 * import { printGraph, quantize, trace } from 'graft-lora/onnx'
 *
 * const constants = new Map([['w', { shape: [2, 2], data: Float32Array.of(0.5, -1, 0.25, 1) }]])
 * const graph = await trace(({ x, w }) => tf.matMul(x, w), { x: { shape: ['batch', 2] } }, { constants })
 * console.log(printGraph(quantize(graph, () => 'int8').graph))
 */
export function quantize(
  graph: Graph,
  schemeOf: (weight: string, use: WeightUse) => Scheme | undefined,
): QuantizeResult {
  const target = new Graph()
  const copies = new Map<Value, Value>()
  const parts = new Map<string, Value[]>()
  const kept = new Map<string, Scheme>()

  const copy = (value: Value): Value => {
    const known = copies.get(value)
    if (known) return known
    const { data, shape, type, name } = value
    if (!data) throw new Error('the graph uses a value before it is defined')
    const made = target.constant(data, shape.map(Number), type, name)
    copies.set(value, made)
    return made
  }
  const rulesOf = ({ name }: Weight, use: WeightUse): SchemeRules | undefined => {
    const scheme = schemeOf(name, use)
    if (scheme) kept.set(name, scheme)
    return scheme && schemes[scheme]
  }
  const context = {
    graph: target,
    parts(name: string, make: () => Value[]): Value[] {
      const made = parts.get(name) ?? make()
      parts.set(name, made)
      return made
    },
  }
  const replacement = (node: Node): Value | undefined => {
    const product = productOf(node)
    if (product) {
      const addend = product.addend && copy(product.addend)
      return rulesOf(product.weight, 'product')?.product(context, copy(product.x), product.weight, addend)
    }
    const lookup = lookupOf(node)
    return lookup && rulesOf(lookup.weight, 'rows')?.rows(context, copy(lookup.ids), lookup.weight)
  }

  for (const input of graph.inputs) copies.set(input, target.input(input.name ?? '', input.type, input.shape))
  for (const node of graph.nodes) {
    const { op, inputs, outputs, attributes } = node
    const other = replacement(node)
    const made = other
      ? [other]
      : target.ops(
          op,
          inputs.map((value) => value && copy(value)),
          attributes,
        )
    outputs.forEach((output, at) => copies.set(output, made[at]!)) // the same operator, or the only output
  }
  for (const [name, value] of graph.outputs) target.outputs.set(name, copy(value))
  return { graph: optimize(target), kept }
}

/** A node as a product of matrices, the second a named constant; others are none. */
function productOf(node: Node): { x: Value; weight: Weight; addend: Value | null } | undefined {
  const { op, inputs, attributes } = node
  const [x, constant, addend = null] = inputs
  const weight = constant && weightOf(constant, attributes['transB'] === 1)
  return op === 'Gemm' && isPlain(attributes) && x && weight ? { x, weight, addend } : undefined
}

/** alpha and beta are 1, and A is not transposed. */
const isPlain = ({ transA = 0, alpha = 1, beta = 1 }: Node['attributes']): boolean =>
  transA === 0 && alpha === 1 && beta === 1

/** A node as a look-up of a named constant's rows; others are none. */
function lookupOf({ op, inputs: [table, ids], attributes }: Node): { ids: Value; weight: Weight } | undefined {
  const weight = table && weightOf(table, false)
  const byRow = op === 'Gather' && (attributes['axis'] ?? 0) === 0
  return byRow && ids && weight ? { ids, weight } : undefined
}

function weightOf({ name, data, shape }: Value, transposed: boolean): Weight | undefined {
  const [rows, columns, ...others] = shape.map(Number)
  if (name === undefined || !(data instanceof Float32Array)) return undefined
  if (rows === undefined || columns === undefined || others.length > 0) return undefined
  return { name, data, rows, columns, transposed }
}
