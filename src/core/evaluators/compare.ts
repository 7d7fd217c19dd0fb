/** Whether two models differ by more than chance on the same texts. */

/** Above it a difference is taken for chance. */
const SIGNIFICANCE = 0.05

/**
 * Compares two evaluations on the same texts by the sign test (Dixon & Mood 1946), which of right and wrong answers is McNemar's
 * exact test (McNemar 1947; Dietterich 1998, section 3.1): texts on which both are as wrong say nothing; if the two are equally
 * good, each of the others is a coin's toss.
 * @param first how wrong each answer is, as `Task.errors` has it
 * @returns 1 where the first has more of the better answers than chance explains, -1 where the second has, else 0
 */
export function compareErrors(first: readonly number[], second: readonly number[]): 1 | 0 | -1 {
  let [gained, lost] = [0, 0]
  for (const [at, error] of first.entries()) {
    const other = second[at] ?? NaN
    if (error < other) gained++
    if (error > other) lost++
  }
  if (coinTossProbability(gained, lost) >= SIGNIFICANCE) return 0
  return gained > lost ? 1 : -1
}

/** Chance that a fair coin falls at least as unevenly, to either side. */
export function coinTossProbability(heads: number, tails: number): number {
  const tosses = heads + tails
  // As logarithms: ½ to the power of more than a thousand is 0.
  let logTerm = -tosses * Math.LN2
  let sum = 0
  for (let k = 0; k <= Math.min(heads, tails); k++) {
    sum += Math.exp(logTerm)
    logTerm += Math.log((tosses - k) / (k + 1))
  }
  return Math.min(1, 2 * sum)
}
