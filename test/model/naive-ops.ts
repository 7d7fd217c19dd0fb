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

/** Φ, the normal distribution's share below x, by Taylor's series of its density: φ · Σ x^(2n+1) / (1·3·…·(2n+1)). */
function normalShare(x: number): number {
  let [term, series] = [x, x]
  for (let n = 3; Math.abs(term) > 1e-18; n += 2) series += term *= (x * x) / n
  return 0.5 + (series * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)
}

export const naiveExactGelu = (x: Matrix): Matrix => x.map((row) => row.map((value) => value * normalShare(value)))

export const naiveSilu = (x: Matrix): Matrix => x.map((row) => row.map((value) => value / (1 + Math.exp(-value))))

export const naiveRmsNorm = (x: Matrix, scale: number[], epsilon: number): Matrix =>
  x.map((row) => {
    const root = Math.sqrt(row.reduce((sum, value) => sum + value ** 2, 0) / row.length + epsilon)
    return row.map((value, at) => (value / root) * scale[at]!)
  })

export const naiveLayerNorm = (x: Matrix, scale: number[], bias: number[], epsilon: number): Matrix =>
  x.map((row) => {
    const mean = row.reduce((sum, value) => sum + value, 0) / row.length
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length
    return row.map((value, at) => ((value - mean) / Math.sqrt(variance + epsilon)) * scale[at]! + bias[at]!)
  })

interface NaiveAttentionOptions {
  heads: number
  keyValueHeads: number
  causal: boolean
  /** Angle of each position's i-th pair of elements. */
  angle?: (position: number, pair: number) => number
}

/**
 * @param query [batch · sequence, heads · size]
 * @param key [batch · sequence, keyValueHeads · size]
 * @param value [batch · sequence, keyValueHeads · size]
 * @param mask [batch, sequence]
 */
export function naiveAttention(
  [query, key, value]: readonly [Matrix, Matrix, Matrix],
  mask: Matrix,
  { heads, keyValueHeads, causal, angle }: NaiveAttentionOptions,
): Matrix {
  const size = query[0]!.length / heads
  const turned = (head: number[], position: number) => (angle ? naiveRotation(head, (i) => angle(position, i)) : head)
  const part = (row: number[], head: number) => row.slice(head * size, (head + 1) * size)
  return mask.flatMap((real, text) =>
    real.map((_, place) => {
      const tokenOf = (x: Matrix, position: number) => x[text * real.length + position]!
      const visible = [...real.keys()].filter((other) => (!causal || other <= place) && real[other] === 1)
      return Array.from({ length: heads }, (_, head) => {
        const shared = Math.floor((head * keyValueHeads) / heads)
        const asked = turned(part(tokenOf(query, place), head), place)
        const powers = visible.map((other) =>
          Math.exp(dot(asked, turned(part(tokenOf(key, other), shared), other)) / Math.sqrt(size)),
        )
        const total = powers.reduce((sum, power) => sum + power, 0)
        return asked.map((_, channel) =>
          dot(
            powers.map((power) => power / total),
            visible.map((other) => part(tokenOf(value, other), shared)[channel]!),
          ),
        )
      }).flat()
    }),
  )
}

/** Turns the points (x[i], x[i + size / 2]). */
export function naiveRotation(x: number[], angle: (pair: number) => number): number[] {
  const half = x.length / 2
  return x.map((value, at) => {
    const pair = at % half
    const other = at < half ? -x[at + half]! : x[pair]!
    return value * Math.cos(angle(pair)) + other * Math.sin(angle(pair))
  })
}
