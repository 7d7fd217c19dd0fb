/**
 * Weights in eight bits, symmetric, with a scale for each output, or for each row of a table. x is put into eight bits too, with
 * the one scale and zero point that fit it: LLM.int8 (arXiv:2208.07339) and SwitchBack (arXiv:2304.13013) have one for each row.
 */
import { type SchemeRules, type Weight, nameOf, plus, sizesOf, stepsOf } from './scheme.ts'

const LARGEST = 127

export const int8: SchemeRules = {
  product({ graph, parts }, x, weight, addend) {
    const [input, out] = sizesOf(weight)
    const name = `${nameOf(weight)}.int8`
    const [values = x, scales = x] = parts(name, () => {
      const made = quantizeColumns(weight)
      return [
        graph.constant(made.values, [input, out], 'int8', name),
        graph.constant(made.scales, [out], 'float32', `${name}.scales`),
      ]
    })
    // Products of the same x quantize it once.
    const [quantized = x, scale = x, zeroPoint = x] = graph.ops('DynamicQuantizeLinear', [x])
    const bias = addend?.shape.length === 1 && addend.shape[0] === out ? addend : null
    const product = graph.op('MatMulIntegerToFloat', [quantized, values, scale, scales, zeroPoint, null, bias])
    return plus(graph, product, bias ? null : addend)
  },
  rows({ graph, parts }, ids, weight) {
    const { rows, columns } = weight
    const name = `${weight.name}.rows.int8`
    const [values = ids, scales = ids] = parts(name, () => {
      // A row is a column of the transpose, whose values then lie as W's do.
      const made = quantizeColumns({ ...weight, transposed: true }, [1, columns])
      return [
        graph.constant(made.values, [rows, columns], 'int8', name),
        graph.constant(made.scales, [rows, 1], 'float32', `${name}.scales`),
      ]
    })
    const found = graph.op('Cast', [graph.op('Gather', [values, ids], { axis: 0 })], { to: 'float32' })
    return graph.op('Mul', [found, graph.op('Gather', [scales, ids], { axis: 0 })])
  },
}

/**
 * Quantizes W's columns.
 * @param steps from one row to the next, and from one column to the next, where the values go
 * @returns values −127 … 127, and a scale for each column: weight = value · scale
 */
export function quantizeColumns(
  weight: Weight,
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
    const scale = Math.fround(largest / LARGEST) || 1 // a column of zeros
    scales[column] = scale
    for (let row = 0; row < input; row++) {
      values[column * steps[1] + row * steps[0]] = Math.round(data[column * columnStep + row * rowStep]! / scale)
    }
  }
  return { values, scales }
}
