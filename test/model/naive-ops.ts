/** The model's ops in plain loops and double precision: independent of TF.js. */

/** Rows of equal length. */
export type Matrix = number[][]

const dot = (a: number[], b: number[]) => a.reduce((sum, value, at) => sum + value * b[at]!, 0)

/** A·B */
export const naiveProduct = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) =>
    b[0]!.map((_, column) =>
      dot(
        row,
        b.map((other) => other[column]!),
      ),
    ),
  )

export const times = (a: Matrix, factor: number): Matrix => a.map((row) => row.map((value) => factor * value))

/** Of one row, the second is added to every row. */
export const plus = (a: Matrix, b: Matrix): Matrix =>
  a.map((row, at) => row.map((value, column) => value + (b.length === 1 ? b[0]! : b[at]!)[column]!))

export const naiveGelu = (x: Matrix): Matrix =>
  x.map((row) =>
    row.map((value) => (value / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3)))),
  )

export const naiveLayerNorm = (x: Matrix, scale: number[], bias: number[], epsilon: number): Matrix =>
  x.map((row) => {
    const mean = row.reduce((sum, value) => sum + value, 0) / row.length
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length
    return row.map((value, at) => ((value - mean) / Math.sqrt(variance + epsilon)) * scale[at]! + bias[at]!)
  })

/**
 * @param qkv [batch · sequence, 3 · channels]
 * @param mask [batch, sequence]
 */
export function naiveAttention(qkv: Matrix, mask: Matrix, heads: number): Matrix {
  const channels = qkv[0]!.length / 3
  const size = channels / heads
  return mask.flatMap((real, text) =>
    real.map((_, query) => {
      const tokens = qkv.slice(text * real.length, (text + 1) * real.length)
      const keys = [...real.keys()].filter((key) => key <= query && real[key] === 1)
      return Array.from({ length: heads }, (_, head) => {
        const part = (token: number, which: number) =>
          tokens[token]!.slice(which * channels + head * size).slice(0, size)
        const powers = keys.map((key) => Math.exp(dot(part(query, 0), part(key, 1)) / Math.sqrt(size)))
        const total = powers.reduce((sum, power) => sum + power, 0)
        const shares = powers.map((power) => power / total)
        return part(query, 2).map((_, channel) =>
          dot(
            shares,
            keys.map((key) => part(key, 2)[channel]!),
          ),
        )
      }).flat()
    }),
  )
}
