/**
 * Weights in eight bits, symmetric, with a scale for each output, or for each row of a table. x is put into eight bits too, with a scale for
 * each row, as LLM.int8 (arXiv:2208.07339) and SwitchBack (arXiv:2304.13013) have it: a token whose numbers are a thousand times those
 * of the others, as decoders have, and gradients, most of whose rows are near zero, then cost the others nothing.
 */
import type { Graph, Value } from '../graph.ts'
import { expand, reshape } from '../kernels/shapes.ts'
import { type SchemeContext, type SchemeRules, type Weight, nameOf, plus, sizesOf, stepsOf } from './scheme.ts'

const LARGEST = 127

/**
 * Of weights in products: seven bits. Processors without VNNI add two products in sixteen bits (AVX2's `vpmaddubsw`), and
 * 2 · 255 · 63 fits where 2 · 255 · 127 would be cut off, unnoticed. So the numbers are the same everywhere; the gradient's direction
 * differs by 0.0002 in the cosine.
 */
const LARGEST_FACTOR = 63

/** A number that a scale of rows of zeros is raised to. */
const LEAST_SCALE = 1e-30

/** Rows with a scale each. */
const rowsOf: SchemeRules['rows'] = ({ graph, parts }, ids, weight) => {
  const { rows, columns } = weight
  const name = `${weight.name}.rows.int8`
  const [values = ids, scales = ids] = parts(name, () => {
    // A row is a column of the transpose, whose values then lie as W's do.
    const made = quantizeColumns({ ...weight, transposed: true }, LARGEST, [1, columns])
    return [
      graph.constant(made.values, [rows, columns], 'int8', name),
      graph.constant(made.scales, [rows, 1], 'float32', `${name}.scales`),
    ]
  })
  const found = graph.op('Cast', [graph.op('Gather', [values, ids], { axis: 0 })], { to: 'float32' })
  return graph.op('Mul', [found, graph.op('Gather', [scales, ids], { axis: 0 })])
}

/** A row's numbers do not depend on the others, so what a text is given does not depend on the texts beside it. */
export const int8: SchemeRules = {
  product(context, x, weight, addend) {
    const { graph } = context
    const { values, scales } = columnsOf(context, weight)
    const { quantized, scale } = byRow(graph, x)
    const [one, zero] = [graph.scalar(1), uint8(graph, 128)]
    const product = graph.op('MatMulIntegerToFloat', [quantized, values, one, scales, zero, null, null])
    return plus(graph, graph.op('Mul', [product, scale]), addend)
  },
  rows: rowsOf,
}

const uint8 = (graph: Graph, value: number): Value => graph.constant(Uint8Array.of(value), [], 'uint8')

/** x [n, in] as uint8 around 128, and the scale of each row [n, 1]. */
function byRow(graph: Graph, x: Value): { quantized: Value; scale: Value } {
  const axes = graph.integers([1])
  const part = (reduce: 'ReduceMax' | 'ReduceMin', factor: number) =>
    graph.op('Mul', [graph.op(reduce, [x, axes], { keepdims: 1 }), graph.scalar(factor)])
  const parts = [part('ReduceMax', 1 / LARGEST), part('ReduceMin', -1 / LARGEST), graph.scalar(LEAST_SCALE)]
  const scale = graph.op('Max', parts)
  const count = scale.shape.slice(0, 1)
  const zeros = expand(graph, graph.constant(Uint8Array.of(128), [1], 'uint8'), count)
  return { quantized: graph.op('QuantizeLinear', [x, reshape(graph, scale, count), zeros], { axis: 0 }), scale }
}

/** The weight as int8 [in, out], and the scales of its columns. */
function columnsOf({ graph, parts }: SchemeContext, weight: Weight): { values: Value; scales: Value } {
  const [input, out] = sizesOf(weight)
  const name = `${nameOf(weight)}.int8`
  const [values, scales] = parts(name, () => {
    const made = quantizeColumns(weight, LARGEST_FACTOR)
    return [
      graph.constant(made.values, [input, out], 'int8', name),
      graph.constant(made.scales, [out], 'float32', `${name}.scales`),
    ]
  })
  if (!values || !scales) throw new Error(`no constants for ${name}`)
  return { values, scales }
}

/**
 * Quantizes W's columns.
 * @param steps from one row to the next, and from one column to the next, where the values go
 * @returns values −bound … bound, and a scale for each column: weight = value · scale
 */
export function quantizeColumns(
  weight: Weight,
  bound: number,
  steps: readonly [number, number] = [sizesOf(weight)[1], 1],
): { values: Int8Array; scales: Float32Array } {
  const { data } = weight
  const [input, out] = sizesOf(weight)
  const [rowStep, columnStep] = stepsOf(weight)
  const scales = new Float32Array(out)
  const values = new Int8Array(data.length)
  for (let column = 0; column < out; column++) {
    let largest = 0
    for (let row = 0; row < input; row++) {
      largest = Math.max(largest, Math.abs(data[column * columnStep + row * rowStep]!)) // within W
    }
    const scale = Math.fround(largest / bound) || 1 // a column of zeros
    scales[column] = scale
    for (let row = 0; row < input; row++) {
      values[column * steps[1] + row * steps[0]] = Math.round(data[column * columnStep + row * rowStep]! / scale)
    }
  }
  return { values, scales }
}
