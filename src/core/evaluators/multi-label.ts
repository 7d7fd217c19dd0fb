/** How well texts are given the labels that they have: F1, average precision, binary cross-entropy, thresholds. */
import { calibrationOf } from '../calibration.ts'
import type { Evaluator, LabelledTask } from '../evaluator.ts'
import { bestThreshold, columnOf, evaluateMultiLabel } from '../metrics/multi-label.ts'
import type { Row, Target, Task } from '../task.ts'
import { clamp, decide, labelLists, sigmoid } from '../tasks/multi-label.ts'
import { fitTemperature } from '../temperature.ts'

const rowOf = (target: Target): number[] => [target].flat()

/** In the order of stored labels. */
const listed = (names: readonly string[]) => names.toSorted().join(', ') || '(none)'

export function multiLabelEvaluator(task: LabelledTask): Evaluator {
  const { labels, thresholds = [] } = task
  return {
    ...task,
    measure(targets, scores) {
      const truth = targets.map(rowOf)
      const metrics = evaluateMultiLabel(labels, truth, scores, thresholds)
      // Each score is that of a decision between two.
      const decisions = scores.flatMap((row) => Array.from(row, (score) => [1 - score, score]))
      return {
        problemType: 'multi_label_classification',
        ...metrics,
        score: metrics.microF1,
        loss: meanBinaryCrossEntropy(truth, scores),
        calibration: calibrationOf(truth.flat(), decisions),
      }
    },
    errors: (targets, scores) => targets.map((target, at) => wrongOnes(task, target, scores[at] ?? []).length),
    calibrate(targets, logits) {
      const truth = targets.map(rowOf)
      const temperature = fitTemperature(binaryCrossEntropyAt(truth, logits))
      const scores = logits.map((row) => task.scores(row, temperature))
      const fitted = labels.map((_, id) => bestThreshold(columnOf(truth, id), columnOf(scores, id)))
      return { temperature, thresholds: fitted }
    },
    display: (label) => listed(labelLists.names(label)),
    verdict(scores, target) {
      const has = decide(task, scores)
      const wrong = wrongOnes(task, target, scores)
      return { label: listed(labels.filter((_, id) => has[id] === 1)), score: Math.max(0, ...wrong) }
    },
  }
}

/** How far off the score of each label is that a text should have and has not, or the other way round. */
function wrongOnes(task: Task, target: Target, scores: Row): number[] {
  const has = decide(task, scores)
  return rowOf(target).flatMap((value, id) => (value === has[id] ? [] : [Math.abs(value - (scores[id] ?? NaN))]))
}

/** Mean over texts and labels, in nats, as PyTorch's BCELoss. A score that rounds to 0 or 1 counts as the nearest number that does not. */
function meanBinaryCrossEntropy(truth: readonly number[][], scores: readonly Row[]): number {
  const terms = truth.flatMap((row, at) =>
    row.map((has, id) => -Math.log(has === 1 ? clamp(scores[at]?.[id] ?? NaN) : 1 - clamp(scores[at]?.[id] ?? NaN))),
  )
  return terms.reduce((sum, term) => sum + term, 0) / terms.length
}

/** The summed binary cross-entropy of logits times a scale, and its derivative by the scale. */
export const binaryCrossEntropyAt = (truth: readonly number[][], logits: readonly Row[]) => (scale: number) => {
  let [loss, slope] = [0, 0]
  for (const [at, row] of truth.entries()) {
    for (const [id, has] of row.entries()) {
      const logit = logits[at]?.[id] ?? NaN
      const scaled = scale * logit
      loss += Math.max(scaled, 0) - scaled * has + Math.log1p(Math.exp(-Math.abs(scaled)))
      slope += logit * (sigmoid(scaled) - has)
    }
  }
  return { loss, slope }
}
