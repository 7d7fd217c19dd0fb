/** The training loop: batches through an engine, evaluation, best checkpoint, early stopping. It does not know the model. */
import { GraftError } from '../core/errors.ts'
import type { Engine, TrainingState } from './engine.ts'
import type { EvaluationRecord, HistoryRecord, StepRecord } from './report.ts'
import { type Decay, type RunLength, isEvaluatedAfter, learningRateAt, totalStepsOf } from './schedule.ts'
import type { TaskEvaluation, TrainingBatch, TrainingTask } from './task.ts'

export interface LoopOptions extends RunLength {
  /** The highest learning rate. */
  learningRate: number
  /** Share of all steps that warm up. */
  warmup: number
  /** How the rate falls after that. */
  decay: Decay
  /** Evaluate every so many steps too, not just at the ends of epochs; 0 for no more. */
  evalEvery?: number
  /** Stop after so many evaluations without improvement; 0 for never. */
  patience?: number
}

/** Where a run stands: all that is needed to go on as if it had not stopped. */
export interface RunState {
  /** Steps done. */
  step: number
  history: HistoryRecord[]
  /** The best evaluation so far, and how many have followed it. */
  best?: EvaluationRecord & TaskEvaluation
  evaluationsWithoutImprovement: number
  /** Parameters and moments. */
  state: TrainingState
  /** Parameters at the best evaluation. */
  bestState?: TrainingState
}

export interface Run {
  engine: Engine
  task: TrainingTask
  options: LoopOptions
  /** Where an interrupted run stopped. */
  resume?: RunState | undefined
  signal?: AbortSignal | undefined
  onRecord?: ((record: HistoryRecord, totalSteps: number) => void) | undefined
  /** Called after each evaluation and on interruption. */
  save?: ((state: RunState) => Promise<void>) | undefined
}

/**
 * Trains until the last epoch or early stopping and returns the run's last state.
 * @throws GraftError `loss-not-finite`; the signal's reason, after a checkpoint was saved
 */
export async function runLoop(run: Run): Promise<RunState> {
  const { engine, task, options, resume } = run
  const perEpoch = task.stepsPerEpoch
  const total = totalStepsOf(options, perEpoch)
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
    for (const batch of task.batches(epoch).slice(current.step - epoch * perEpoch)) {
      if (run.signal?.aborted) {
        await save()
        throw run.signal.reason
      }
      record(await trainStep(run, batch(), current.step + 1, epoch, total))
      current.step++
      const isLast = current.step === total
      if (!isEvaluatedAfter(current.step, { totalSteps: total, stepsPerEpoch: perEpoch, ...options })) continue
      await evaluateRun(run, current, epoch, record)
      await save()
      if (isLast || isStale(current, options)) break
    }
  }
  return current
}

const isStale = ({ evaluationsWithoutImprovement }: RunState, { patience = 0 }: LoopOptions) =>
  patience > 0 && evaluationsWithoutImprovement >= patience

async function trainStep(
  { engine, options }: Run,
  { feeds, tokens, accuracy }: TrainingBatch,
  step: number,
  epoch: number,
  total: number,
): Promise<StepRecord> {
  const learningRate = learningRateAt(step, { ...options, totalSteps: total })
  const started = performance.now()
  const { loss, prediction, gradientNorm } = await engine.step(feeds, { learningRate, step })
  const seconds = (performance.now() - started) / 1000
  if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
    throw notFinite(step, `the loss is ${loss} and the gradient norm ${gradientNorm}`)
  }
  const measured = accuracy && { accuracy: accuracy(prediction) }
  return { kind: 'step', step, epoch, loss, ...measured, learningRate, gradientNorm, tokensPerSecond: tokens / seconds }
}

async function evaluateRun(
  run: Run,
  current: RunState,
  epoch: number,
  record: (entry: HistoryRecord) => void,
): Promise<void> {
  const evaluation = await run.task.evaluate(run.engine)
  if (!Number.isFinite(evaluation.loss)) throw notFinite(current.step, `the validation loss is ${evaluation.loss}`)
  const { errors: _, ...metrics } = evaluation // as long as the set, and of use for the best one only
  const entry: EvaluationRecord = { kind: 'evaluation', step: current.step, epoch, ...metrics }
  record(entry)
  if (!current.best || run.task.isBetter(evaluation, current.best)) {
    current.best = { ...entry, ...evaluation }
    current.bestState = await engineValues(run.engine)
    current.evaluationsWithoutImprovement = 0
  } else {
    current.evaluationsWithoutImprovement++
  }
}

/** The parameters without the optimizer's moments. */
const engineValues = async (engine: Engine): Promise<TrainingState> =>
  new Map([...(await engine.state())].filter(([name]) => name.endsWith('.values')))

const notFinite = (step: number, problem: string) =>
  new GraftError('loss-not-finite', `step ${step}: ${problem}`, {
    hint: 'Train again with a lower --learning-rate.',
    value: step,
  })
