/** How well the finished model does on a part of the data, and how honest its confidence was before and after calibration. */
import { type Calibration, type Mistake, worstMistakes } from '../core/calibration.ts'
import type { Evaluator, Measures, MeasuresOf } from '../core/evaluator.ts'
import type { ProblemType } from '../core/task.ts'
import type { LabelledExample } from './dataset.ts'
import { type Engine, tokenFeeds } from './engine.ts'
import { type EncodedSet, evaluateSet } from './evaluate.ts'

/** Of a task whose texts have one label each, unless another kind is named. */
export type PartResult<Kind extends ProblemType = 'single_label_classification'> = Kind extends ProblemType
  ? MeasuresOf<Kind> & Uncalibrated<Kind>
  : never

/** With the logits as training left them, before they were divided by the temperature. A regression is not calibrated. */
type Uncalibrated<Kind extends ProblemType> = Kind extends 'regression'
  ? { uncalibrated?: undefined }
  : { uncalibrated: { loss: number; calibration: Calibration } }

/** A part of a data set: its texts, and how the model sees them. */
export interface Part {
  examples: readonly LabelledExample[]
  set: EncodedSet
}

export interface MeasureOptions {
  task: Evaluator
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
    result: withUncalibrated(measures, before),
    mistakes: worstMistakes(shown, verdicts, MISTAKES),
  }
}

function withUncalibrated(measures: Measures, before: Measures): PartResult<ProblemType> {
  if (measures.problemType === 'regression' || before.problemType === 'regression')
    return measures as PartResult<'regression'>
  return { ...measures, uncalibrated: { loss: before.loss, calibration: before.calibration } }
}
