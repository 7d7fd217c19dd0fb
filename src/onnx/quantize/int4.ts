/** Products with weights in four bits, in blocks of 32 along the inner axis with a scale each. Rows of tables are kept in eight. */
import { int8 } from './int8.ts'
import { type SchemeRules, type Weight, nameOf, plus, sizesOf, stepsOf } from './scheme.ts'

const BLOCK = 32
/** Stored numbers are 0 … 15, and stand for −8 … 7 times the block's scale. */
const ZERO = 8

/** @param level 1: x stays in float32; 4: x is put into eight bits, in blocks too, where ONNX Runtime has a kernel for that */
const rulesAt = (level: 1 | 4): SchemeRules => ({
  product({ graph, parts }, x, weight, addend) {
    const [input, out] = sizesOf(weight)
    const blocks = Math.ceil(input / BLOCK)
    const name = `${nameOf(weight)}.int4`
    const [values = x, scales = x] = parts(name, () => {
      const made = quantizeBlocks(weight)
      return [
        graph.constant(made.values, [out, blocks, BLOCK / 2], 'uint8', name),
        graph.constant(made.scales, [out * blocks], 'float32', `${name}.scales`),
      ]
    })
    const attributes = { K: input, N: out, bits: 4, block_size: BLOCK, accuracy_level: level }
    return plus(graph, graph.op('MatMulNBits', [x, values, scales], attributes), addend)
  },
  rows: int8.rows,
})

/** The same numbers wherever a bundle runs. */
export const int4 = rulesAt(1)

/** Faster, and not quite the same everywhere: for training. */
export const int4Eight = rulesAt(4)

/**
 * Quantizes W's columns in blocks, as `MatMulNBits` has them.
 * @returns two numbers a byte, the lower four bits first: [out, blocks, BLOCK / 2]; and the scales [out, blocks]
 */
export function quantizeBlocks(weight: Weight): { values: Uint8Array; scales: Float32Array } {
  const { data } = weight
  const [input, out] = sizesOf(weight)
  const [rowStep, columnStep] = stepsOf(weight)
  const blocks = Math.ceil(input / BLOCK)
  const scales = new Float32Array(out * blocks)
  const values = new Uint8Array((out * blocks * BLOCK) / 2)
  for (let block = 0; block < out * blocks; block++) {
    const column = Math.floor(block / blocks)
    const start = (block % blocks) * BLOCK
    const length = Math.min(BLOCK, input - start)
    const at = (row: number) => data[column * columnStep + (start + row) * rowStep]! // within W
    let extreme = 0
    for (let row = 0; row < length; row++) if (Math.abs(at(row)) > Math.abs(extreme)) extreme = at(row)
    // The number that is furthest from zero becomes −8, of which there is no positive counterpart.
    const scale = Math.fround(extreme / -ZERO) || 1
    scales[block] = scale
    for (let row = 0; row < BLOCK; row++) {
      const value = row < length ? Math.min(15, Math.max(0, Math.round(at(row) / scale) + ZERO)) : ZERO
      values[(block * BLOCK + row) >> 1]! |= value << (4 * (row & 1)) // within the blocks
    }
  }
  return { values, scales }
}
