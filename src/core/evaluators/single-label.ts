/** How well texts are given the one label that they have: accuracy, F1, cross-entropy, calibration. */
import { calibrationOf } from '../calibration.ts'
import type { Evaluator, LabelledTask } from '../evaluator.ts'
import { argMax, evaluate, meanCrossEntropy } from '../metrics.ts'
import { type Row, SINGLE_LABEL, type Target } from '../task.ts'
import { fitTemperature } from '../temperature.ts'

const idsOf = (targets: readonly Target[]): number[] => targets.map(Number)

export const singleLabelEvaluator = (task: LabelledTask): Evaluator => ({
  ...task,
  measure(targets, scores) {
    const truth = idsOf(targets)
    const metrics = evaluate(task.labels, truth, scores)
    return {
      problemType: SINGLE_LABEL,
      ...metrics,
      score: metrics.accuracy,
      loss: meanCrossEntropy(truth, scores),
      calibration: calibrationOf(truth, scores),
    }
  },
  errors: (targets, scores) => targets.map((target, at) => Number(argMax(scores[at] ?? []) !== target)),
  calibrate: (targets, logits) => ({ temperature: fitTemperature(crossEntropyAt(idsOf(targets), logits)) }),
  display: (label) => label,
  verdict: (scores) => task.answer(scores),
})

/** The summed cross-entropy of logits times a scale, and its derivative by the scale. */
export const crossEntropyAt = (truth: readonly number[], logits: readonly Row[]) => (scale: number) => {
  let [loss, slope] = [0, 0]
  for (const [at, label] of truth.entries()) {
    const row = logits[at]! // one for each text
    let largest = -Infinity
    for (let id = 0; id < row.length; id++) largest = Math.max(largest, row[id]!) // ids are below the length
    let [total, weighted] = [0, 0]
    for (let id = 0; id < row.length; id++) {
      const distance = row[id]! - largest
      const exponential = Math.exp(scale * distance)
      total += exponential
      weighted += exponential * distance
    }
    const own = row[label]! - largest // label ids are below the number of labels
    loss += Math.log(total) - scale * own
    slope += weighted / total - own
  }
  return { loss, slope }
}
