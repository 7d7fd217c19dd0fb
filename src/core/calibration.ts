/** How honest confidence is: of the texts that a model is 80 % sure of, are 80 % right? */
import { argMax } from './metrics.ts'

/** The texts whose confidence is in (from, to]. */
export interface CalibrationBin {
  from: number
  to: number
  /** Number of texts, one or more. */
  count: number
  /** Mean confidence: the probability of the predicted label. */
  confidence: number
  /** Share of them that are right. */
  accuracy: number
}

export interface Calibration {
  /** Expected calibration error: the mean distance between confidence and accuracy, each bin weighted by its texts. */
  expectedError: number
  /** What it would be, on average, for the same confidence if that were perfectly honest: texts are few, and chance is not. */
  chance: number
  /** Mean confidence of all texts. */
  confidence: number
  /** Bins of equal width, in order; those without a text are left out. */
  bins: CalibrationBin[]
}

const BINS = 10

/**
 * Compares confidence with accuracy, in ten bins of equal width (Guo et al. 2017, arXiv:1706.04599, section 2).
 * @param truth true label ids
 * @param probabilities for each text, by label id
 * @example
 * calibrationOf([0, 1], [[0.9, 0.1], [0.8, 0.2]]).expectedError // (|0.9 - 1| + |0.8 - 0|) / 2 = 0.45
 */
export function calibrationOf(truth: readonly number[], probabilities: readonly ArrayLike<number>[]): Calibration {
  const sums = Array.from({ length: BINS }, () => ({ count: 0, confidence: 0, right: 0, variance: 0 }))
  let total = 0
  for (const [at, label] of truth.entries()) {
    const row = probabilities[at]! // there is one for each text
    const predicted = argMax(row)
    const confidence = row[predicted]! // an index of the row
    const bin = sums[Math.min(BINS - 1, Math.max(0, Math.ceil(BINS * confidence) - 1))]
    total += confidence
    if (!bin) continue // not a number: the total says so
    bin.count++
    bin.confidence += confidence
    bin.right += Number(predicted === label)
    bin.variance += confidence * (1 - confidence)
  }
  const bins = sums.flatMap(({ count, confidence, right }, at) =>
    count === 0
      ? []
      : [{ from: at / BINS, to: (at + 1) / BINS, count, confidence: confidence / count, accuracy: right / count }],
  )
  const gap = bins.reduce((sum, { count, confidence, accuracy }) => sum + count * Math.abs(confidence - accuracy), 0)
  // The mean distance of a sum of coin tosses from what is expected, as of a normal distribution.
  const noise = sums.reduce((sum, { variance }) => sum + Math.sqrt((2 / Math.PI) * variance), 0)
  const count = truth.length
  const expectedError = Number.isNaN(total) ? total : gap / count
  return { expectedError, chance: noise / count, confidence: total / count, bins }
}

/** A text that a classifier was wrong about. */
export interface Mistake {
  text: string
  label: string
  predicted: string
  /** Probability of the predicted label; of several labels, how far off the worst score is; of a regression, the number. */
  confidence: number
}

/**
 * The mistakes that a classifier was surest of, most confident first.
 * @param truth label names, one for each text
 * @param predictions the predicted label's name and its probability, one for each text
 */
export function worstMistakes(
  texts: readonly { text: string; label: string }[],
  predictions: readonly { label: string; score: number }[],
  limit: number,
): Mistake[] {
  return texts
    .flatMap(({ text, label }, at) => {
      const { label: predicted, score: confidence } = predictions[at]! // there is one for each text
      return predicted === label ? [] : [{ text, label, predicted, confidence }]
    })
    .toSorted((a, b) => b.confidence - a.confidence)
    .slice(0, limit)
}
