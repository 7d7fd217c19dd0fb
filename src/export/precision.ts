/** Which of a model's weights a precision below float32 is for: linear layers of the base, and tables that rows are looked up in. */
import { GraftError } from '../core/errors.ts'
import { modelOf } from '../core/families.ts'
import type { ModelConfig } from '../core/family.ts'
import type { Precision } from '../core/precision.ts'
import { type Graph, quantize } from '../onnx/index.ts'

const layerOf = (weight: string) => weight.replace(/\.weight$/, '')

/** The base's layers that can have fewer bits, in model order. The head, small and last, keeps float32. */
export const narrowableLayers = (config: ModelConfig): string[] =>
  modelOf(config).parameters.flatMap(({ name, shape }) => (shape.length === 2 ? [layerOf(name)] : []))

/** The graph with those layers at a precision, as far as it multiplies by them or looks their rows up. */
export function atPrecision(graph: Graph, precision: Precision, layers: ReadonlySet<string>): Graph {
  if (precision === 'fp32') return graph
  return quantize(graph, (weight) => (layers.has(layerOf(weight)) ? precision : undefined)).graph
}

/** @throws GraftError `usage` for a layer that the base has not */
export function checkLayers(names: readonly string[], config: ModelConfig): void {
  const known = narrowableLayers(config)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new GraftError('usage', `the base has no layer "${unknown}" to keep in float32`, {
    hint: `Its layers are ${known.slice(0, 3).join(', ')} … ${known.at(-1)}.`,
    value: unknown,
  })
}
