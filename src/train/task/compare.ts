/** Whether two classifiers differ by more than chance on the same texts. */

/** Which texts were answered rightly: `1` or `0` for each, in the order of the set. */
export type Outcomes = string

/** Above it a difference is taken for chance. */
const SIGNIFICANCE = 0.05

/**
 * Compares two evaluations on the same texts by McNemar's exact test (McNemar 1947; Dietterich 1998, section 3.1): texts that
 * both have right or both wrong say nothing; if the two are equally good, each of the others is a coin's toss.
 * @returns 1 where the first has more texts right than chance explains, -1 where the second has, else 0
 */
export function compareOutcomes(first: Outcomes, second: Outcomes): 1 | 0 | -1 {
  let [gained, lost] = [0, 0]
  for (const [at, outcome] of [...first].entries()) {
    if (outcome === second[at]) continue
    if (outcome === '1') gained++
    else lost++
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
