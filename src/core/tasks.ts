/** The kinds of tasks that there are, by transformers' `problem_type`. */
import { type ProblemType, SINGLE_LABEL, type Task, type TaskSpec } from './task.ts'
import { createMultiLabel } from './tasks/multi-label.ts'
import { createRegression } from './tasks/regression.ts'
import { createSingleLabel } from './tasks/single-label.ts'

const kinds: Readonly<Record<ProblemType, (spec: TaskSpec) => Task>> = {
  single_label_classification: createSingleLabel,
  multi_label_classification: createMultiLabel,
  regression: createRegression,
}

/** The task that a model's files describe. */
export const createTask = (spec: TaskSpec): Task => kinds[spec.problemType ?? SINGLE_LABEL](spec)
