/** Classification and regression as a task: batches of labelled texts of similar lengths, score and confidence on the validation set. */
import { bucketBatches, padBatch } from '../../core/batch.ts'
import { type Random, createRandom } from '../../core/random.ts'
import { tokenFeeds } from '../engine.ts'
import type { Evaluator } from '../../core/evaluator.ts'
import { createEvaluator } from '../../core/evaluators.ts'
import { type Target, SINGLE_LABEL } from '../../core/task.ts'
import { compareErrors } from '../../core/evaluators/compare.ts'
import type { Engine, Feed } from '../engine.ts'
import { type EncodedSet, batchAccuracy, evaluateSet } from '../evaluate.ts'
import type { TaskEvaluation, TrainingBatch, TrainingTask } from '../task.ts'

export interface ClassificationOptions {
  train: EncodedSet
  validation: EncodedSet
  task: Evaluator
  padTokenId: number
  /** Tokens around every text, which are never left out: one of them may stand for it. */
  special: ReadonlySet<number>
  batchSize: number
  /** Share of the tokens that are left out of a text when it is trained on. */
  tokenDropout: number
  seed: number
}

export function classificationTask(options: ClassificationOptions): TrainingTask {
  const { train, validation, task, padTokenId, special, batchSize, tokenDropout, seed } = options
  const lengths = train.sequences.map(({ length }) => length)

  const validate = (engine: Engine) =>
    evaluateSet((padded) => engine.evaluate(tokenFeeds(padded)), validation, task, padTokenId)

  function batch(indices: readonly number[], random: Random): TrainingBatch {
    const sequences = indices.map((index) =>
      dropTokens(train.sequences[index] ?? [], { share: tokenDropout, special, random }),
    )
    const targets = indices.map((index) => train.labels[index] ?? 0)
    const isSingle = task.problemType === SINGLE_LABEL
    return {
      feeds: { ...tokenFeeds(padBatch(sequences, padTokenId)), labels: feedOf(targets, isSingle) },
      tokens: sequences.reduce((sum, { length }) => sum + length, 0),
      ...(isSingle && { accuracy: (logits) => batchAccuracy(logits, targets.map(Number)) }),
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
      const { measures, logits } = await validate(engine)
      // As the kept checkpoint will be: calibrated.
      const { temperature, thresholds } = task.calibrate(validation.labels, logits)
      const calibrated = createEvaluator({ ...task, thresholds })
      const scores = logits.map((row) => calibrated.scores(row, temperature))
      const { score, loss, accuracy, macroF1 } = calibrated.measure(validation.labels, scores)
      const errors = calibrated.errors(validation.labels, scores)
      return { loss: measures.loss, calibratedLoss: loss, score, accuracy, macroF1, errors }
    },
    isBetter,
    calibrate: async (engine) => task.calibrate(validation.labels, (await validate(engine)).logits),
  }
}

/**
 * By the task's score where answers differ by more than chance, else by the loss after calibration, since that is the model that is
 * kept (Berta et al. 2025, arXiv:2501.19195): a model grows surer of itself long after, and long before, it stops getting better.
 */
function isBetter(evaluation: TaskEvaluation, best: TaskEvaluation): boolean {
  const gain = compareErrors(evaluation.errors ?? [], best.errors ?? [])
  const isSure = gain !== 0 && gain === Math.sign((evaluation.score ?? NaN) - (best.score ?? NaN))
  return isSure ? gain > 0 : lossOf(evaluation) < lossOf(best)
}

/** A batch's targets: [rows], or [rows, labels]. */
function feedOf(targets: readonly Target[], isSingle: boolean): Feed {
  const data = targets.flat()
  const shape = typeof targets[0] === 'number' ? [data.length] : [targets.length, data.length / targets.length]
  return { data: isSingle ? Int32Array.from(data) : Float32Array.from(data), shape }
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
