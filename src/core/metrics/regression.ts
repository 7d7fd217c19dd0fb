/** How well a model does that gives each text a number: mean errors and correlations. */

export interface RegressionMetrics {
  meanSquaredError: number
  meanAbsoluteError: number
  /** Share of the variance that is explained: 1 − MSE / variance; below 0 where the mean of all would do better. */
  r2: number
  /** Correlation; NaN where one side is constant. */
  pearson: number
  /** Correlation of the ranks, ties having their mean rank; NaN where one side is constant. */
  spearman: number
  /** There is none. */
  accuracy?: undefined
  /** There is none. */
  macroF1?: undefined
}

/** @param truth one number or more */
export function evaluateRegression(truth: readonly number[], values: readonly number[]): RegressionMetrics {
  const errors = truth.map((number, at) => (values[at] ?? NaN) - number)
  const meanSquaredError = mean(errors.map((error) => error ** 2))
  const middle = mean(truth)
  return {
    meanSquaredError,
    meanAbsoluteError: mean(errors.map(Math.abs)),
    r2: 1 - meanSquaredError / mean(truth.map((number) => (number - middle) ** 2)),
    pearson: pearson(truth, values),
    spearman: pearson(ranks(truth), ranks(values)),
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

function pearson(first: readonly number[], second: readonly number[]): number {
  const [a, b] = [mean(first), mean(second)]
  let [product, one, other] = [0, 0, 0]
  for (const [at, value] of first.entries()) {
    const [x, y] = [value - a, (second[at] ?? NaN) - b]
    product += x * y
    one += x * x
    other += y * y
  }
  return product / Math.sqrt(one * other)
}

/** The rank of each value, from 1; equal ones have the mean of theirs. */
function ranks(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!) // indices into values
  const ranked = values.map(() => NaN)
  for (let start = 0; start < order.length;) {
    let end = start
    while (end + 1 < order.length && values[order[end + 1]!] === values[order[start]!]) end++
    for (let at = start; at <= end; at++) ranked[order[at]!] = (start + end) / 2 + 1
    start = end + 1
  }
  return ranked
}
