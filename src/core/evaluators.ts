/** The evaluators that there are, by transformers' `problem_type`. */
import type { Evaluator, LabelledTask } from './evaluator.ts'
import { multiLabelEvaluator } from './evaluators/multi-label.ts'
import { regressionEvaluator } from './evaluators/regression.ts'
import { singleLabelEvaluator } from './evaluators/single-label.ts'
import { labelFormat } from './label-formats.ts'
import type { ProblemType, TaskSpec } from './task.ts'
import { createTask } from './tasks.ts'

const evaluators: Readonly<Record<ProblemType, (task: LabelledTask) => Evaluator>> = {
  single_label_classification: singleLabelEvaluator,
  multi_label_classification: multiLabelEvaluator,
  regression: regressionEvaluator,
}

/** The task that a model's files describe, and how well it is done. */
export function createEvaluator(spec: TaskSpec): Evaluator {
  const task = createTask(spec)
  const encode = labelFormat(task.problemType).encoder(task.labels)
  return evaluators[task.problemType]({ ...task, encode })
}
