/** How well the finished model does on a part of the data, and how honest its confidence was before and after calibration. */
import { type Calibration, type Mistake, calibrationOf, worstMistakes } from '../core/calibration.ts'
import { type Metrics, argMax, meanCrossEntropy, softmax } from '../core/metrics.ts'
import type { LabelledExample } from './dataset.ts'
import { type Engine, tokenFeeds } from './engine.ts'
import { type EncodedSet, evaluateSet } from './evaluate.ts'

export interface PartResult extends Metrics {
  /** Mean cross-entropy, in nats. */
  loss: number
  calibration: Calibration
  /** With the logits as training left them, before they were divided by the temperature. */
  uncalibrated: { loss: number; calibration: Calibration }
}

/** A part of a data set: its texts, and how the model sees them. */
export interface Part {
  examples: readonly LabelledExample[]
  set: EncodedSet
}

export interface MeasureOptions {
  /** Label names by id. */
  labels: readonly string[]
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
  { labels, padTokenId, temperature }: MeasureOptions,
): Promise<{ result: PartResult; mistakes: Mistake[] }> {
  const run = (batch: Parameters<typeof tokenFeeds>[0]) => engine.evaluate(tokenFeeds(batch))
  const { loss, metrics, calibration, logits, probabilities } = await evaluateSet(run, set, labels, padTokenId)
  const before = logits.map((row) => softmax(row, 1 / temperature))
  const predictions = probabilities.map((row) => {
    const id = argMax(row)
    return { label: labels[id] ?? '', score: row[id] ?? NaN }
  })
  const uncalibrated = { loss: meanCrossEntropy(set.labels, before), calibration: calibrationOf(set.labels, before) }
  return {
    result: { ...metrics, loss, calibration, uncalibrated },
    mistakes: worstMistakes(examples, predictions, MISTAKES),
  }
}
