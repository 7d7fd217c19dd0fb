/** How well a classifier does on labelled texts. */
import { type Calibration, type Mistake, calibrationOf, worstMistakes } from '../core/calibration.ts'
import { createLabels, type LabelPlace } from '../core/labels.ts'
import { type Metrics, evaluate, meanCrossEntropy, softmax } from '../core/metrics.ts'
import type { Classification, Classifier } from './classifier.ts'

export interface LabelledText extends LabelPlace {
  text: string
  label: string
}

export interface ClassifierEvaluation extends Metrics {
  /** Mean cross-entropy, in nats. */
  loss: number
  /** How honest its confidence is. */
  calibration: Calibration
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
export async function evaluateClassifier(
  classifier: Classifier,
  texts: readonly LabelledText[],
  { adapter, temperature, signal, onProgress }: EvaluateOptions = {},
): Promise<ClassifierEvaluation> {
  const { names, idOf } = createLabels(classifier.labels(adapter))
  const truth = texts.map((each) => idOf(each.label, each))
  const started = performance.now()
  const predictions: Classification[] = []
  for (let start = 0; start < texts.length; start += CHUNK) {
    signal?.throwIfAborted()
    const chunk = texts.slice(start, start + CHUNK).map(({ text }) => text)
    predictions.push(...(await classifier.classify(chunk, { adapter })))
    onProgress?.(predictions.length)
  }
  const seconds = (performance.now() - started) / 1000
  const probabilities = predictions.map(({ scores }) => scores.map(({ score }) => score))
  return {
    ...evaluate(names, truth, probabilities),
    loss: meanCrossEntropy(truth, probabilities),
    calibration: calibrationOf(truth, probabilities),
    ...(temperature !== undefined && { uncalibrated: uncalibrated(truth, probabilities, temperature) }),
    mistakes: worstMistakes(texts, predictions, MISTAKES),
    truncated: predictions.filter(({ truncated }) => truncated).length,
    seconds,
    predictions,
  }
}

/** Measures with the logits as training left them. Logarithms of probabilities are logits, but for a constant. */
function uncalibrated(truth: readonly number[], probabilities: readonly number[][], temperature: number) {
  const before = probabilities.map((row) => softmax(Float32Array.from(row, (value) => temperature * Math.log(value))))
  return { loss: meanCrossEntropy(truth, before), calibration: calibrationOf(truth, before) }
}
