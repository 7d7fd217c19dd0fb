/** Classification as a task: batches of labelled texts of similar lengths, accuracy and confidence on the validation set. */
import { bucketBatches, padBatch } from '../../core/batch.ts'
import { type Random, createRandom } from '../../core/random.ts'
import { tokenFeeds } from '../engine.ts'
import { argMax } from '../../core/metrics.ts'
import type { Engine } from '../engine.ts'
import { type EncodedSet, batchAccuracy, evaluateSet } from '../evaluate.ts'
import type { TaskEvaluation, TrainingBatch, TrainingTask } from '../task.ts'
import { fitTemperature, lossAt } from '../temperature.ts'
import { compareOutcomes } from './compare.ts'

export interface ClassificationOptions {
  train: EncodedSet
  validation: EncodedSet
  /** Label names by id. */
  labels: readonly string[]
  padTokenId: number
  /** Tokens around every text, which are never left out: one of them may stand for it. */
  special: ReadonlySet<number>
  batchSize: number
  /** Share of the tokens that are left out of a text when it is trained on. */
  tokenDropout: number
  seed: number
}

export function classificationTask(options: ClassificationOptions): TrainingTask {
  const { train, validation, labels, padTokenId, special, batchSize, tokenDropout, seed } = options
  const lengths = train.sequences.map(({ length }) => length)

  const validate = (engine: Engine) =>
    evaluateSet((padded) => engine.evaluate(tokenFeeds(padded)), validation, labels, padTokenId)

  function batch(indices: readonly number[], random: Random): TrainingBatch {
    const sequences = indices.map((index) =>
      dropTokens(train.sequences[index] ?? [], { share: tokenDropout, special, random }),
    )
    const ids = Int32Array.from(indices, (index) => train.labels[index] ?? 0)
    return {
      feeds: { ...tokenFeeds(padBatch(sequences, padTokenId)), labels: { data: ids, shape: [ids.length] } },
      tokens: sequences.reduce((sum, { length }) => sum + length, 0),
      accuracy: (logits) => batchAccuracy(logits, ids),
    }
  }

  return {
    stepsPerEpoch: Math.ceil(lengths.length / batchSize),
    batches(epoch) {
      const random = createRandom(seed).fork(`epoch ${epoch}`)
      return bucketBatches(lengths, { batchSize, random }).map(
        (indices, at) => () => batch(indices, random.fork(`tokens ${at}`)),
      )
    },
    async evaluate(engine) {
      const { loss, metrics, logits } = await validate(engine)
      const temperature = fitTemperature(validation.labels, logits)
      const { accuracy, macroF1 } = metrics
      const outcomes = logits.map((row, text) => (argMax(row) === validation.labels[text] ? '1' : '0')).join('')
      return { loss, calibratedLoss: lossAt(temperature, validation.labels, logits), accuracy, macroF1, outcomes }
    },
    isBetter,
    temperature: async (engine) => fitTemperature(validation.labels, (await validate(engine)).logits),
  }
}

/**
 * By accuracy where that differs by more than chance, else by the loss after calibration, since that is the model that is kept
 * (Berta et al. 2025, arXiv:2501.19195): a model grows surer of itself long after, and long before, it stops getting better.
 */
function isBetter(evaluation: TaskEvaluation, best: TaskEvaluation): boolean {
  const gain = compareOutcomes(evaluation.outcomes ?? '', best.outcomes ?? '')
  return gain === 0 ? lossOf(evaluation) < lossOf(best) : gain > 0
}

const lossOf = ({ loss, calibratedLoss = loss }: TaskEvaluation) => calibratedLoss

/** A text without a random share of its tokens; whole where nothing of it would be left. */
function dropTokens(
  tokens: readonly number[],
  { share, special, random }: { share: number; special: ReadonlySet<number>; random: Random },
): readonly number[] {
  if (share === 0) return tokens
  const kept = tokens.filter((token) => special.has(token) || random.uniform() >= share)
  return kept.some((token) => !special.has(token)) ? kept : tokens
}
