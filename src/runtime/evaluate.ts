/** How well a classifier does on labelled texts. */
import { type Calibration, type Mistake, worstMistakes } from '../core/calibration.ts'
import type { LabelPlace } from '../core/labels.ts'
import type { Evaluator, MeasuresOf } from '../core/evaluator.ts'
import { createEvaluator } from '../core/evaluators.ts'
import type { ProblemType, Row, Target } from '../core/task.ts'
import type { Classification, Classifier } from './classifier.ts'

export interface LabelledText extends LabelPlace {
  text: string
  /** A name; several as a list in JSON, such as `["anger","fear"]`; or a number. */
  label: string
}

/** Of a classifier whose texts have one label each, unless another kind is named. */
export type ClassifierEvaluation<Kind extends ProblemType = 'single_label_classification'> = MeasuresOf<Kind> & Facts

interface Facts {
  /** What it was before temperature scaling, where the model's temperature is given. */
  uncalibrated?: { loss: number; calibration: Calibration }
  /** The most confident ones, in that order. */
  mistakes: Mistake[]
  /** Texts that were longer than the model takes. */
  truncated: number
  /** Time that classification took, without opening the model. */
  seconds: number
  /** One for each text, in their order. */
  predictions: Classification[]
}

export interface EvaluateOptions {
  adapter?: string | undefined
  /** What training divided the model's logits by; 1 where it left them as they were. */
  temperature?: number | undefined
  signal?: AbortSignal | undefined
  /** Called with the number of texts that are done. */
  onProgress?: (done: number) => void
}

/** Texts classified at a time: enough for batches of similar lengths. */
const CHUNK = 512

/** The most confident mistakes that are kept. */
const MISTAKES = 10

/**
 * Classifies texts and compares the results with their labels, which are matched by name.
 * @param texts one or more
 * @throws GraftError `data-label` for a label that the model does not know, before anything is classified; `adapter-index`;
 *   the signal's reason
 * @example
 * import { evaluateClassifier, openBundle } from 'graft-lora'
 *
 * const classifier = await openBundle('runs/merged')
 * const { accuracy, loss } = await evaluateClassifier(classifier, [
 *   { text: 'A film that I loved', label: 'positive', file: 'reviews.csv', line: 2 },
 *   { text: 'Two wasted hours.', label: 'negative', file: 'reviews.csv', line: 3 },
 * ])
 * console.log(accuracy, loss)
 * await classifier.close()
 */
export async function evaluateClassifier<Kind extends ProblemType = 'single_label_classification'>(
  classifier: Classifier,
  texts: readonly LabelledText[],
  { adapter, temperature, signal, onProgress }: EvaluateOptions = {},
): Promise<ClassifierEvaluation<Kind>> {
  const task = createEvaluator(classifier.task(adapter))
  const truth = texts.map((each) => task.encode(each.label, each))
  const started = performance.now()
  const predictions: Classification[] = []
  for (let start = 0; start < texts.length; start += CHUNK) {
    signal?.throwIfAborted()
    const chunk = texts.slice(start, start + CHUNK).map(({ text }) => text)
    predictions.push(...(await classifier.classify(chunk, { adapter })))
    onProgress?.(predictions.length)
  }
  const seconds = (performance.now() - started) / 1000
  const scores = predictions.map((each) => each.scores.map(({ score }) => score))
  const shown = texts.map(({ text, label }) => ({ text, label: task.display(label) }))
  const verdicts = scores.map((row, at) => task.verdict(row, truth[at] ?? NaN))
  return {
    // The classifier says which kind it is: who calls, and names it, knows.
    ...(task.measure(truth, scores) as MeasuresOf<Kind>),
    ...(temperature !== undefined && uncalibrated(task, truth, scores, temperature)),
    mistakes: worstMistakes(shown, verdicts, MISTAKES),
    truncated: predictions.filter(({ truncated }) => truncated).length,
    seconds,
    predictions,
  }
}

/** Measures with the logits as training left them. Nothing of a task that is not calibrated. */
function uncalibrated(task: Evaluator, truth: readonly Target[], scores: readonly Row[], temperature: number) {
  const before = scores.map((row) => task.scores(task.logitsOf(row), 1 / temperature))
  const measures = task.measure(truth, before)
  if (measures.problemType === 'regression') return {}
  return { uncalibrated: { loss: measures.loss, calibration: measures.calibration } }
}
