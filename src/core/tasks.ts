/** The kinds of tasks that there are, by transformers' `problem_type`. */
import { type ProblemType, SINGLE_LABEL, type Task, type TaskKind, type TaskSpec } from './task.ts'
import { multiLabel } from './tasks/multi-label.ts'
import { regression } from './tasks/regression.ts'
import { singleLabel } from './tasks/single-label.ts'

const kinds: Readonly<Record<ProblemType, TaskKind>> = {
  single_label_classification: singleLabel,
  multi_label_classification: multiLabel,
  regression,
}

export const taskKind = (problemType: ProblemType = SINGLE_LABEL): TaskKind => kinds[problemType]

/** The task that a model's files describe. */
export const createTask = (spec: TaskSpec): Task => taskKind(spec.problemType).create(spec)
