/** Temperature scaling: one number that a classifier's logits are divided by, so that it is as sure as it is right. */

/** Half of the 99 % quantile of χ² with one degree of freedom: what a likelihood-ratio test takes for chance, in nats. */
const CHANCE = 3.32

/** Halvings of an interval: more change nothing in double precision. */
const HALVINGS = 50

/** Logarithms of the scales (1 / temperature) among which the best is looked for. */
const [LOWEST, HIGHEST] = [-10, 10]

/** The summed loss of logits times a scale, which is convex in it, and its derivative. */
export type LossAtScale = (scale: number) => { loss: number; slope: number }

/**
 * Fits the temperature of a classifier (Guo et al. 2017, arXiv:1706.04599) on texts that it was not trained on: the one with
 * the lowest cross-entropy, under two cautions where texts are few.
 *
 * - Scales have a prior, β exp(-β) for β = 1 / temperature, whose mode is 1. With it there is one best scale and it is finite,
 *   also where all texts are right or all are wrong; it weighs about as much as one text.
 * - A model is made surer than it is (β > 1) only as far as chance does not explain: to the first scale whose likelihood is
 *   not worse than the best one's by a likelihood-ratio test at 99 %, for the checkpoint was chosen by these very texts. If 56
 *   of 56 are right, it may be 94 % sure, not 100 %.
 *
 * The cross-entropy on these texts is never higher than with a temperature of 1, and no answer changes.
 * @param at the summed cross-entropy of all texts
 */
export function fitTemperature(at: LossAtScale): number {
  // In β the cross-entropy is convex, so its slope rises and has one root; that of the prior does too.
  const slope = (scale: number) => at(scale).slope + 1 - 1 / scale
  const best = Math.exp(firstWhere((log) => slope(Math.exp(log)) >= 0, LOWEST, HIGHEST))
  if (!(best > 1)) return 1 / best
  const enough = at(best).loss + CHANCE
  return 1 / Math.exp(firstWhere((log) => at(Math.exp(log)).loss <= enough, 0, Math.log(best)))
}

/** The lowest number of an interval at which a condition holds, which it does from there on; its end where it never does. */
function firstWhere(holds: (x: number) => boolean, low: number, high: number): number {
  if (holds(low)) return low
  let [below, above] = [low, high]
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (below + above) / 2
    if (holds(middle)) above = middle
    else below = middle
  }
  return above
}
