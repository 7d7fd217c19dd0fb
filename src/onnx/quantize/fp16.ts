/** Weights in half precision (IEEE 754 binary16): half the bytes on the disk. Matrices are made float32 once, when the graph is loaded. */
import type { Value } from '../graph.ts'
import { type SchemeContext, type SchemeRules, type Weight } from './scheme.ts'

export const fp16: SchemeRules = {
  product({ graph, parts }, x, weight, addend) {
    const matrix = graph.op('Cast', [float16Of({ graph, parts }, weight)], { to: 'float32' })
    const transB = weight.transposed ? 1 : 0
    return graph.op('Gemm', [x, matrix, ...(addend ? [addend] : [])], { transB })
  },
  // Only what is looked up becomes float32: a table is many times that.
  rows: (context, ids, weight) =>
    context.graph.op('Cast', [context.graph.op('Gather', [float16Of(context, weight), ids], { axis: 0 })], {
      to: 'float32',
    }),
}

/** The weight as it lies in the checkpoint; a transpose is the product's business. */
function float16Of({ graph, parts }: SchemeContext, { name, data, rows, columns }: Weight): Value {
  const [half] = parts(`${name}.fp16`, () => [
    graph.constant(toFloat16(data), [rows, columns], 'float16', `${name}.fp16`),
  ])
  if (!half) throw new Error(`no constant for ${name}`)
  return half
}

/** Each number as the bits of the nearest binary16, ties to even; beyond 65,504 the largest there is. */
export function toFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const halves = new Uint16Array(bits.length)
  for (let at = 0; at < bits.length; at++) halves[at] = nearestFloat16(bits[at]!) // within the values
  return halves
}

/** From the bits of a binary32. */
function nearestFloat16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const exponent = ((bits >>> 23) & 0xff) - 127 + 15
  const mantissa = bits & 0x7fffff
  if (exponent >= 31) return sign | 0x7bff
  if (exponent < -10) return sign
  // Below 2⁻¹⁴ the leading one is written out, and fewer digits follow.
  const [digits, drop] = exponent <= 0 ? [mantissa | 0x800000, 14 - exponent] : [mantissa, 13]
  const head = digits >>> drop
  const tail = digits & ((1 << drop) - 1)
  const half = 1 << (drop - 1)
  const up = tail > half || (tail === half && (head & 1) === 1) ? 1 : 0
  // A mantissa that overflows carries into the exponent, which is right, but for the largest.
  const rounded = (exponent <= 0 ? head : (exponent << 10) | head) + up
  return sign | Math.min(rounded, 0x7bff)
}
