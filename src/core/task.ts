/** What a label is and what a model's logits mean, whoever asks: training, export, runtime, server or page. Kinds are in `tasks/`. */
import type { LabelPlace } from './labels.ts'

/** The kinds of tasks, as transformers names them in `config.json`. */
export const problemTypes = ['single_label_classification', 'multi_label_classification', 'regression'] as const

export type ProblemType = (typeof problemTypes)[number]

/** What a model that says nothing is for. */
export const SINGLE_LABEL = 'single_label_classification' satisfies ProblemType

export const isProblemType = (name: unknown): name is ProblemType => problemTypes.some((known) => known === name)

/** What a model's files say of its task. */
export interface TaskSpec {
  /** Names by id: of the classes, or of the one number of a regression. */
  labels: readonly string[]
  /** One label for each text, by default. */
  problemType?: ProblemType | undefined
  /** Multi-label: for each label the score from which on a text has it; one half, by default. */
  thresholds?: readonly number[] | undefined
}

/** What a task's description says beside its labels: nothing where each text has one of them. */
export const taskFields = ({ problemType, thresholds }: Omit<TaskSpec, 'labels'>) => ({
  ...(problemType !== undefined && problemType !== SINGLE_LABEL && { problemType }),
  ...(thresholds && { thresholds: [...thresholds] }),
})

/** What a text's answer should be, for the loss: a label's id; for each label 1 or 0; a number. */
export type Target = number | readonly number[]

/** Logits or scores of a text, by label id. */
export type Row = ArrayLike<number>

export interface LabelScore {
  label: string
  /** Probability of the label; of a regression, the number. */
  score: number
}

/** What a text is. */
export interface Answer extends LabelScore {
  /** Every label's score, by id. */
  scores: LabelScore[]
  /** Multi-label: those whose score is at or above their threshold, by id. */
  labels?: string[]
  /** Regression: the number. */
  value?: number
}

/** The task of a model: what its labels and logits are. How well it is done is an `Evaluator`'s matter. */
export interface Task extends TaskSpec {
  readonly problemType: ProblemType
  /** Probabilities, or the number, from logits that are divided by the temperature first. */
  scores(logits: Row, temperature?: number): Float64Array
  /** The inverse of `scores`, but for a constant that changes no score. */
  logitsOf(scores: Row): Float64Array
  answer(scores: Row): Answer
}

/** A stored label as numbers. @throws GraftError `data-label` for one that the task has not */
export type EncodeLabel = (label: string, place: LabelPlace) => Target

/** How the labels of a kind of task stand in data sets: what training and evaluation need, and no classifier. */
export interface LabelFormat {
  readonly problemType: ProblemType
  /**
   * A data set's cell, or the names of a list, in the one form in which data sets are stored: what `encoder` reads.
   * @throws GraftError `data-label`
   */
  read(cell: string | readonly string[], place: LabelPlace): string
  /** The names in a stored label; none of a number. */
  names(label: string): string[]
  /** @param labels names by id */
  encoder(labels: readonly string[]): EncodeLabel
}
