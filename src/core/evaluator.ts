/** How well a task is done: measures, what checkpoints are chosen by, calibration. Those of each kind are in `evaluators/`. */
import type { Calibration } from './calibration.ts'
import type { Metrics } from './metrics.ts'
import type { MultiLabelMetrics } from './metrics/multi-label.ts'
import type { RegressionMetrics } from './metrics/regression.ts'
import type { EncodeLabel, ProblemType, Row, Target, Task } from './task.ts'

interface Common<Kind extends ProblemType> {
  problemType: Kind
  /** What checkpoints are chosen by, higher for better: accuracy; micro-F1 of several labels; R² of a regression. */
  score: number
  /** Mean cross-entropy, in nats; binary of several labels, over texts and labels; of a regression, the mean squared error. */
  loss: number
}

interface Confident {
  /** How honest its confidence is. */
  calibration: Calibration
}

/** How well a model does on a set, by the kind of its task. */
export type Measures =
  | (Metrics & Confident & Common<'single_label_classification'>)
  | (MultiLabelMetrics & Confident & Common<'multi_label_classification'>)
  | (RegressionMetrics & Common<'regression'>)

/** Those of one kind of task. */
export type MeasuresOf<Kind extends ProblemType> = Extract<Measures, { problemType: Kind }>

/** What is fitted on texts that a model was not trained on, so that its answers are honest. */
export interface Calibrated {
  /** What the logits are to be divided by. */
  temperature: number
  /** Of a multi-label task, for scores at that temperature. */
  thresholds?: number[]
}

/** A task with what its texts should be answered. */
export interface LabelledTask extends Task {
  encode: EncodeLabel
}

/** A task, and how well it is done. */
export interface Evaluator extends LabelledTask {
  /** How good answers are. @param targets one or more */
  measure(targets: readonly Target[], scores: readonly Row[]): Measures
  /** How wrong each answer is, 0 or more: for comparing two models text by text. */
  errors(targets: readonly Target[], scores: readonly Row[]): number[]
  calibrate(targets: readonly Target[], logits: readonly Row[]): Calibrated
  /** A stored label as people read it. */
  display(label: string): string
  /** The answer as `display` has labels, and how far off it is where it is wrong: how sure of itself, or by how much. */
  verdict(scores: Row, target: Target): { label: string; score: number }
}
