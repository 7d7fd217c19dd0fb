/** How well a classifier does: accuracy, precision, recall, F1, confusion matrix, ROC-AUC and loss. */
import { ConfusionMatrix } from 'ml-confusion-matrix'

export interface ClassMetrics {
  label: string
  /** Share of the texts classified so that are so; 0 where no text was. */
  precision: number
  /** Share of the texts that are so that were classified so; 0 where no text is. */
  recall: number
  /** Harmonic mean of precision and recall. */
  f1: number
  /** Number of texts that are so. */
  support: number
}

export interface Metrics {
  accuracy: number
  /** Mean of the F1 of all labels, each counting the same. */
  macroF1: number
  /** By label id. */
  perClass: ClassMetrics[]
  /** Counts [labels, labels]: the row is the true label, the column the predicted one. */
  confusion: number[][]
  /** For two labels that both occur: area under the ROC curve of the probability of label 1. */
  rocAuc?: number
}

type Probabilities = ArrayLike<number>

/** Index of the largest probability, the first of equals. */
export function argMax(values: Probabilities): number {
  let best = 0
  // Both indices are below the length.
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}

/** Probabilities from logits, which are divided by the temperature first. */
export function softmax(logits: Float32Array, temperature = 1): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity)
  const exponentials = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature))
  const total = exponentials.reduce((sum, value) => sum + value, 0)
  return exponentials.map((value) => value / total)
}

/**
 * Mean cross-entropy, in nats. A probability that rounds to 0 counts as the smallest number that does not, so that the
 * mean stays finite; a NaN stays one.
 * @param truth true label ids
 * @param probabilities for each text, by label id
 */
export function meanCrossEntropy(truth: readonly number[], probabilities: readonly Probabilities[]): number {
  const total = truth.reduce(
    (sum, label, i) => sum - Math.log(Math.max(Number.MIN_VALUE, probabilities[i]![label]!)),
    0,
  )
  return total / truth.length // there is a probability for each label of each text
}

/**
 * Compares predictions with the truth. Undefined ratios (0 / 0) count as 0, as in scikit-learn.
 * @param labels label names by id
 * @param truth true label ids
 * @param probabilities for each text, a value by label id; anything that grows with the probability does
 */
export function evaluate(
  labels: readonly string[],
  truth: readonly number[],
  probabilities: readonly Probabilities[],
): Metrics {
  const confusion = labels.map(() => labels.map(() => 0))
  // Label ids are below the number of labels.
  for (const [i, label] of truth.entries()) confusion[label]![argMax(probabilities[i]!)]!++
  const matrix = new ConfusionMatrix(confusion, [...labels])
  const perClass = labels.map((label) => classMetrics(matrix, label))
  const macroF1 = perClass.reduce((sum, { f1 }) => sum + f1, 0) / labels.length
  const metrics: Metrics = { accuracy: matrix.getAccuracy(), macroF1, perClass, confusion }
  const bothOccur = labels.length === 2 && perClass.every(({ support }) => support > 0)
  return bothOccur ? { ...metrics, rocAuc: areaUnderRoc(truth, probabilities) } : metrics
}

function classMetrics(matrix: ConfusionMatrix<string>, label: string): ClassMetrics {
  return {
    label,
    precision: matrix.getPositivePredictiveValue(label) || 0,
    recall: matrix.getTruePositiveRate(label) || 0,
    f1: matrix.getF1Score(label) || 0,
    support: matrix.getPositiveCount(label),
  }
}

/**
 * Chance that a text of label 1 scores above one of label 0, ties counting half: the Mann–Whitney statistic, which is
 * the area under the ROC curve (Hanley & McNeil 1982).
 */
function areaUnderRoc(truth: readonly number[], probabilities: readonly Probabilities[]): number {
  const scored = truth.map((label, i) => ({ positive: label === 1, score: probabilities[i]![1]! })) // two labels each
  scored.sort((a, b) => a.score - b.score)
  const counts = { positives: 0, negatives: 0 }
  let wins = 0
  for (const group of groupEqualScores(scored)) {
    const positives = group.filter(({ positive }) => positive).length
    const negatives = group.length - positives
    wins += positives * (counts.negatives + negatives / 2)
    counts.positives += positives
    counts.negatives += negatives
  }
  return wins / (counts.positives * counts.negatives)
}

function groupEqualScores<T extends { score: number }>(sorted: readonly T[]): T[][] {
  const groups: T[][] = []
  for (const item of sorted) {
    const group = groups.at(-1)
    if (group?.[0]?.score === item.score) group.push(item)
    else groups.push([item])
  }
  return groups
}
