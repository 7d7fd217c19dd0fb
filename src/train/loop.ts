/** The training loop: batches through an engine, evaluation, best checkpoint, early stopping. It does not know the model. */
import { bucketBatches, padBatch } from '../core/batch.ts'
import { GraftError } from '../core/errors.ts'
import { createRandom } from '../core/random.ts'
import type { Engine, LabelledBatch, TrainingState } from './engine.ts'
import { type EncodedSet, batchAccuracy, evaluateSet } from './evaluate.ts'
import type { EvaluationRecord, HistoryRecord, StepRecord } from './report.ts'
import { learningRateAt } from './schedule.ts'

export interface LoopOptions {
  epochs: number
  batchSize: number
  /** The highest learning rate. */
  learningRate: number
  /** Share of all steps that warm up. */
  warmup: number
  /** Evaluate every so many steps too, not just after each epoch. */
  evalEvery?: number
  /** Stop after so many evaluations without improvement. */
  patience?: number
  seed: number
}

/** Where a run stands: all that is needed to go on as if it had not stopped. */
export interface RunState {
  /** Steps done. */
  step: number
  history: HistoryRecord[]
  /** The best evaluation so far, and how many have followed it. */
  best?: EvaluationRecord
  evaluationsWithoutImprovement: number
  /** Parameters and moments. */
  state: TrainingState
  /** Parameters at the best evaluation. */
  bestState?: TrainingState
}

export interface Run {
  engine: Engine
  train: EncodedSet
  validation: EncodedSet
  /** Label names by id. */
  labels: readonly string[]
  padTokenId: number
  options: LoopOptions
  /** Where an interrupted run stopped. */
  resume?: RunState | undefined
  signal?: AbortSignal | undefined
  onRecord?: ((record: HistoryRecord, totalSteps: number) => void) | undefined
  /** Called after each evaluation and on interruption. */
  save?: ((state: RunState) => Promise<void>) | undefined
}

/** Steps of a whole run. */
export const totalSteps = (texts: number, { epochs, batchSize }: LoopOptions): number =>
  epochs * Math.ceil(texts / batchSize)

/**
 * Trains until the last epoch or early stopping and returns the run's last state.
 * @throws GraftError `loss-not-finite`; the signal's reason, after a checkpoint was saved
 */
export async function runLoop(run: Run): Promise<RunState> {
  const { engine, options, resume } = run
  const total = totalSteps(run.train.labels.length, options)
  const perEpoch = total / options.epochs
  const current: RunState = resume ?? {
    step: 0,
    history: [],
    evaluationsWithoutImprovement: 0,
    state: await engine.state(),
  }
  if (resume) await engine.restore(resume.state)
  const record = (entry: HistoryRecord) => {
    current.history.push(entry)
    run.onRecord?.(entry, total)
  }
  const save = async () => {
    current.state = await engine.state()
    await run.save?.(current)
  }

  while (current.step < total && !isStale(current, options)) {
    const epoch = Math.floor(current.step / perEpoch)
    const batches = epochBatches(run, epoch)
    for (const indices of batches.slice(current.step - epoch * perEpoch)) {
      if (run.signal?.aborted) {
        await save()
        throw run.signal.reason
      }
      record(await trainStep(run, indices, current.step + 1, epoch, total))
      current.step++
      const endsEpoch = current.step % perEpoch === 0
      if (!endsEpoch && current.step % (options.evalEvery ?? Infinity) !== 0) continue
      await evaluateRun(run, current, epoch, record)
      await save()
      if (isStale(current, options)) break
    }
  }
  return current
}

const isStale = ({ evaluationsWithoutImprovement }: RunState, { patience }: LoopOptions) =>
  patience !== undefined && evaluationsWithoutImprovement >= patience

/** An epoch's batches depend on the seed and the epoch alone, so a resumed run sees the same. */
function epochBatches({ train, options }: Run, epoch: number): number[][] {
  const random = createRandom(options.seed).fork(`epoch ${epoch}`)
  return bucketBatches(
    train.sequences.map(({ length }) => length),
    { batchSize: options.batchSize, random },
  )
}

async function trainStep(
  { engine, train, padTokenId, options }: Run,
  indices: number[],
  step: number,
  epoch: number,
  total: number,
): Promise<StepRecord> {
  const sequences = indices.map((index) => train.sequences[index] ?? [])
  const labels = Int32Array.from(indices, (index) => train.labels[index] ?? 0)
  const batch: LabelledBatch = { ...padBatch(sequences, padTokenId), labels }
  const learningRate = learningRateAt(step, { ...options, totalSteps: total })
  const started = performance.now()
  const { loss, logits, gradientNorm } = await engine.step(batch, { learningRate, step })
  const seconds = (performance.now() - started) / 1000
  if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
    throw notFinite(step, `the loss is ${loss} and the gradient norm ${gradientNorm}`)
  }
  const tokens = sequences.reduce((sum, { length }) => sum + length, 0)
  const accuracy = batchAccuracy(logits, labels)
  return { kind: 'step', step, epoch, loss, accuracy, learningRate, gradientNorm, tokensPerSecond: tokens / seconds }
}

async function evaluateRun(
  run: Run,
  current: RunState,
  epoch: number,
  record: (entry: HistoryRecord) => void,
): Promise<void> {
  const { loss, metrics } = await evaluateSet(
    (batch) => run.engine.evaluate(batch),
    run.validation,
    run.labels,
    run.padTokenId,
  )
  if (!Number.isFinite(loss)) throw notFinite(current.step, `the validation loss is ${loss}`)
  const { accuracy, macroF1 } = metrics
  const entry: EvaluationRecord = { kind: 'evaluation', step: current.step, epoch, loss, accuracy, macroF1 }
  record(entry)
  if (isBetter(entry, current.best)) {
    current.best = entry
    current.bestState = await engineValues(run.engine)
    current.evaluationsWithoutImprovement = 0
  } else {
    current.evaluationsWithoutImprovement++
  }
}

/** More texts right; of as many, the lower loss. */
const isBetter = (entry: EvaluationRecord, best: EvaluationRecord | undefined): boolean =>
  best === undefined || entry.accuracy > best.accuracy || (entry.accuracy === best.accuracy && entry.loss < best.loss)

/** The parameters without the optimizer's moments. */
const engineValues = async (engine: Engine): Promise<TrainingState> =>
  new Map([...(await engine.state())].filter(([name]) => name.endsWith('.values')))

const notFinite = (step: number, problem: string) =>
  new GraftError('loss-not-finite', `step ${step}: ${problem}`, {
    hint: 'Train again with a lower --learning-rate. A checkpoint of an earlier step is kept; --force discards it.',
    value: step,
  })
