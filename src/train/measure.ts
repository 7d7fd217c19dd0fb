/** How well the finished model does on a part of the data, and how honest its confidence was before and after calibration. */
import { type Calibration, type Mistake, worstMistakes } from '../core/calibration.ts'
import type { Measures, MeasuresOf, ProblemType, Task } from '../core/task.ts'
import type { LabelledExample } from './dataset.ts'
import { type Engine, tokenFeeds } from './engine.ts'
import { type EncodedSet, evaluateSet } from './evaluate.ts'

/** Of a task whose texts have one label each, unless another kind is named. */
export type PartResult<Kind extends ProblemType = 'single_label_classification'> = MeasuresOf<Kind> & {
  /** With the logits as training left them, before they were divided by the temperature; a regression has no calibration. */
  uncalibrated: Uncalibrated<Kind>
}

type Uncalibrated<Kind extends ProblemType> = 'regression' extends Kind
  ? { loss: number; calibration?: Calibration }
  : { loss: number; calibration: Calibration }

/** A part of a data set: its texts, and how the model sees them. */
export interface Part {
  examples: readonly LabelledExample[]
  set: EncodedSet
}

export interface MeasureOptions {
  task: Task
  padTokenId: number
  /** What the model's logits were divided by. */
  temperature: number
}

/** The most confident mistakes that a report shows of a part. */
const MISTAKES = 15

/** Runs the model in an engine over a part. */
export async function measurePart(
  engine: Engine,
  { examples, set }: Part,
  { task, padTokenId, temperature }: MeasureOptions,
): Promise<{ result: PartResult<ProblemType>; mistakes: Mistake[] }> {
  const run = (batch: Parameters<typeof tokenFeeds>[0]) => engine.evaluate(tokenFeeds(batch))
  const { measures, logits, scores } = await evaluateSet(run, set, task, padTokenId)
  const before = task.measure(
    set.labels,
    logits.map((row) => task.scores(row, 1 / temperature)),
  )
  const verdicts = scores.map((row, at) => task.verdict(row, set.labels[at] ?? NaN))
  const shown = examples.map(({ text, label }) => ({ text, label: task.display(label) }))
  return {
    result: { ...measures, uncalibrated: confidenceOf(before) },
    mistakes: worstMistakes(shown, verdicts, MISTAKES),
  }
}

/** Loss and calibration alone. */
export const confidenceOf = (measures: Measures): { loss: number; calibration?: Calibration } =>
  measures.problemType === 'regression'
    ? { loss: measures.loss }
    : { loss: measures.loss, calibration: measures.calibration }
