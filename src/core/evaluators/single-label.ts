/** How well texts are given the one label that they have: accuracy, F1, cross-entropy, calibration. */
import { calibrationOf } from '../calibration.ts'
import type { Evaluator } from '../evaluator.ts'
import { argMax, evaluate, meanCrossEntropy } from '../metrics.ts'
import { type Row, SINGLE_LABEL, type Target, type Task } from '../task.ts'
import { fitTemperature } from '../temperature.ts'

const idsOf = (targets: readonly Target[]): number[] => targets.map(Number)

export const singleLabelEvaluator = (task: Task): Evaluator => ({
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
    const row = Array.from(logits[at]!) // one for each text
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity)
    let [total, weighted] = [0, 0]
    for (const logit of row) {
      const exponential = Math.exp(scale * (logit - largest))
      total += exponential
      weighted += exponential * (logit - largest)
    }
    const own = row[label]! - largest // label ids are below the number of labels
    loss += Math.log(total) - scale * own
    slope += weighted / total - own
  }
  return { loss, slope }
}
