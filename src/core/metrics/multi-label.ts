/** How well a classifier does that gives a text any number of labels: F1, average precision, subset accuracy. */
import type { ClassMetrics } from '../metrics.ts'

export interface MultiLabelMetrics {
  /** Share of the texts all of whose labels are right: subset accuracy. */
  accuracy: number
  /** F1 of all decisions together, each counting the same. */
  microF1: number
  /** Mean of the F1 of all labels, each counting the same. */
  macroF1: number
  /** Mean over the labels that occur of the area under precision by recall, which no threshold changes; NaN where none occurs. */
  meanAveragePrecision: number
  /** By label id. */
  perClass: ClassMetrics[]
}

type Rows = readonly ArrayLike<number>[]

/**
 * Compares decisions with the truth. Undefined ratios (0 / 0) count as 0, as in scikit-learn.
 * @param truth for each text 1 or 0 by label id
 * @param scores for each text, by label id
 * @param thresholds by label id: the score from which on a text has the label
 */
export function evaluateMultiLabel(
  labels: readonly string[],
  truth: Rows,
  scores: Rows,
  thresholds: readonly number[],
): MultiLabelMetrics {
  const counts = labels.map((_, id) => countDecisions(columnOf(truth, id), columnOf(scores, id), thresholds[id] ?? 0.5))
  const perClass = counts.map((count, id) => ({ label: labels[id] ?? '', ...ratiosOf(count) }))
  const all = counts.reduce(
    (sum, each) => ({ hits: sum.hits + each.hits, given: sum.given + each.given, support: sum.support + each.support }),
    { hits: 0, given: 0, support: 0 },
  )
  const precisions = labels.flatMap((_, id) =>
    counts[id]?.support ? [averagePrecision(columnOf(truth, id), columnOf(scores, id))] : [],
  )
  const right = truth.filter((row, at) =>
    labels.every((_, id) => row[id] === Number((scores[at]?.[id] ?? NaN) >= (thresholds[id] ?? 0.5))),
  )
  return {
    accuracy: right.length / truth.length,
    microF1: ratiosOf(all).f1,
    macroF1: mean(perClass.map(({ f1 }) => f1)),
    meanAveragePrecision: mean(precisions),
    perClass,
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

export const columnOf = (rows: Rows, id: number): number[] => rows.map((row) => row[id] ?? NaN)

/** Texts that have the label and got it, that got it, and that have it. */
interface Decisions {
  hits: number
  given: number
  support: number
}

function countDecisions(truth: readonly number[], scores: readonly number[], threshold: number): Decisions {
  const count = { hits: 0, given: 0, support: 0 }
  for (const [at, has] of truth.entries()) {
    const got = Number((scores[at] ?? NaN) >= threshold)
    count.hits += has * got
    count.given += got
    count.support += has
  }
  return count
}

const ratiosOf = ({ hits, given, support }: Decisions) => ({
  precision: hits / given || 0,
  recall: hits / support || 0,
  f1: (2 * hits) / (given + support) || 0,
  support,
})

/**
 * Precision at each score that occurs, weighted by the recall that it adds (Buckley & Voorhees 2000; as scikit-learn, without
 * interpolation).
 * @param truth 1 or 0 for each text, one of them 1
 */
export function averagePrecision(truth: readonly number[], scores: readonly number[]): number {
  const ranked = truth.map((has, at) => ({ has, score: scores[at] ?? NaN })).sort((a, b) => b.score - a.score)
  const support = truth.reduce((sum, has) => sum + has, 0)
  let [hits, counted, area] = [0, 0, 0]
  for (const [at, { has, score }] of ranked.entries()) {
    hits += has
    if (ranked[at + 1]?.score === score) continue // texts of one score come together
    area += ((hits - counted) / support) * (hits / (at + 1))
    counted = hits
  }
  return area
}

/**
 * The threshold with the highest F1 of a label: half-way between two scores that occur; of equally good ones the nearest to one
 * half, which it is for a label that no text has.
 * @param truth 1 or 0 for each text
 */
export function bestThreshold(truth: readonly number[], scores: readonly number[]): number {
  const ranked = truth.map((has, at) => ({ has, score: scores[at] ?? NaN })).sort((a, b) => b.score - a.score)
  const { support, ...atHalf } = countDecisions(truth, scores, 0.5)
  let best = { threshold: 0.5, f1: ratiosOf({ ...atHalf, support }).f1 }
  let hits = 0
  for (const [at, { has, score }] of ranked.entries()) {
    hits += has
    const next = ranked[at + 1]?.score ?? score
    if (next === score) continue // no threshold is between equal ones
    const threshold = (score + next) / 2
    const { f1 } = ratiosOf({ hits, given: at + 1, support })
    const isNearer = Math.abs(threshold - 0.5) < Math.abs(best.threshold - 0.5)
    if (f1 > best.f1 || (f1 === best.f1 && f1 > 0 && isNearer)) best = { threshold, f1 }
  }
  return best.threshold
}
