/** How near texts' numbers come to what they should be: errors and correlations. There is no confidence to calibrate. */
import type { Evaluator, LabelledTask } from '../evaluator.ts'
import { evaluateRegression } from '../metrics/regression.ts'
import { valueOf } from '../tasks/regression.ts'

export const regressionEvaluator = (task: LabelledTask): Evaluator => ({
  ...task,
  measure(targets, scores) {
    const metrics = evaluateRegression(targets.map(Number), scores.map(valueOf))
    return { problemType: 'regression', ...metrics, score: metrics.r2, loss: metrics.meanSquaredError }
  },
  errors: (targets, scores) => targets.map((target, at) => Math.abs(valueOf(scores[at]) - Number(target))),
  calibrate: () => ({ temperature: 1 }),
  display: (number) => number,
  verdict(scores, target) {
    const value = valueOf(scores)
    return { label: String(Number(value.toPrecision(4))), score: Math.abs(value - Number(target)) }
  },
})
