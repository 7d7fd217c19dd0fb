/**
 * Weights as QLoRA keeps them (Dettmers et al. 2023, arXiv:2305.14314): four bits that name one of sixteen numbers, those that a normal
 * distribution wants, times the largest absolute value of a block of 64. Blocks and numbers are those of bitsandbytes. The transpose,
 * which a step's backward pass multiplies by, is kept beside it: `MatMulBnb4` has an attribute for that, and ignores it on a CPU
 * (onnxruntime 1.30: matmul_bnb4.cc multiplies by Bᵀ whatever transB is).
 */
import { int8 } from './int8.ts'
import { type SchemeRules, type Weight, nameOf, plus, sizesOf, stepsOf } from './scheme.ts'

const BLOCK = 64

/** Appendix E of the paper: quantiles of the normal distribution, scaled to ±1, with an exact zero. */
export const NF4 = Float32Array.of(
  -1,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1,
)

/** Halfway between neighbours: a number above so many of them is the one of that place. */
const BORDERS = Float32Array.from({ length: 15 }, (_, at) => (NF4[at]! + NF4[at + 1]!) / 2) // sixteen numbers

export const nf4: SchemeRules = {
  product({ graph, parts }, x, weight, addend) {
    const [K, N] = sizesOf(weight)
    const name = `${nameOf(weight)}.nf4`
    const [values = x, largest = x] = parts(name, () => {
      const made = quantizeNf4(weight)
      return [
        graph.constant(made.values, [made.values.length], 'uint8', name),
        graph.constant(made.largest, [made.largest.length], 'float32', `${name}.absmax`),
      ]
    })
    const attributes = { K, N, block_size: BLOCK, quant_type: 1 }
    return plus(graph, graph.op('MatMulBnb4', [x, values, largest], attributes), addend)
  },
  rows: int8.rows,
}

/**
 * Quantizes W's transpose, [out, in] row by row, in blocks that run on from row to row.
 * @returns two numbers a byte, the upper four bits first, and each block's largest absolute value
 */
export function quantizeNf4(weight: Weight): { values: Uint8Array; largest: Float32Array } {
  const { data } = weight
  const [input] = sizesOf(weight)
  const [rowStep, columnStep] = stepsOf(weight)
  const at = (place: number) => data[Math.floor(place / input) * columnStep + (place % input) * rowStep]! // within W
  const largest = new Float32Array(Math.ceil(data.length / BLOCK))
  const values = new Uint8Array(Math.ceil(data.length / 2))
  for (let place = 0; place < data.length; place++) {
    const block = Math.floor(place / BLOCK)
    largest[block] = Math.max(largest[block]!, Math.abs(at(place))) // one for each block
  }
  for (let place = 0; place < data.length; place++) {
    const scale = largest[Math.floor(place / BLOCK)]! // one for each block
    const value = scale === 0 ? 0 : Math.fround(at(place) * Math.fround(1 / scale))
    let number = 0
    while (number < 15 && value > BORDERS[number]!) number++ // fifteen borders
    values[place >> 1]! |= place % 2 === 0 ? number << 4 : number
  }
  return { values, largest }
}
