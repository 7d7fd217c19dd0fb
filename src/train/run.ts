/** A run on disk: an engine, the loop, and the checkpoint beside the output folder until that is written. */
import { existsSync } from 'node:fs'
import { GraftError } from '../core/errors.ts'
import { type TensorMap, countNumbers } from '../core/tensors.ts'
import { checkOutputFile, removeFile } from '../files/atomic.ts'
import { type Output, type OutputFolder, outputPath, withOutput } from '../files/output.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import type { Engine } from './engine.ts'
import { openEngine } from './engine/open.ts'
import type { StepProfile } from './engine/profile.ts'
import { type RunState, runLoop } from './loop.ts'
import { ADAMW_DEFAULTS } from './optimizer.ts'
import { type TrainingProgram, unflatten } from './program.ts'
import type { HistoryRecord } from './report.ts'
import { totalStepsOf } from './schedule.ts'
import type { RunSettings } from './settings.ts'
import { stateName } from './step.ts'
import type { TrainingTask } from './task.ts'

/** What every kind of training takes besides its data and settings. */
export interface OutputOptions {
  /** Folder to write: its path, or one that was opened before. */
  out: Output
  /** Replace the output folder, and forget an interrupted run. */
  force?: boolean
  /** Go on with the interrupted run. */
  resume?: boolean
  /** Threads of the compiled engine; all cores by default. */
  threads?: number
  signal?: AbortSignal
  onRecord?: (record: HistoryRecord, totalSteps: number) => void
  /** Called after the last step with where the time of the first ones went; without it nothing is measured. */
  onProfile?: (profile: StepProfile | undefined) => void
}

/** Every option that is no setting. */
const OUTPUT_OPTIONS: Readonly<Record<keyof OutputOptions, true>> = {
  out: true,
  force: true,
  resume: true,
  threads: true,
  signal: true,
  onRecord: true,
  onProfile: true,
}

/** What stands beside a run's own options: its settings, and what may be a misspelt one. */
export function settingsAmong<Options extends OutputOptions>(options: Options): Omit<Options, keyof OutputOptions> {
  const entries = Object.entries(options).filter(([name]) => !Object.hasOwn(OUTPUT_OPTIONS, name))
  return Object.fromEntries(entries) as Omit<Options, keyof OutputOptions> // just those names are left out
}

/** What is known when the first step is about to run. */
export interface RunPlan {
  totalSteps: number
  engine: string
  /** Steps done by the interrupted run that goes on. */
  resumedAt: number
}

export interface RunOptions {
  output: OutputOptions
  /** Its `frozen` weights are given away to the engine: the map is emptied. */
  program: TrainingProgram
  task: TrainingTask
  settings: RunSettings
  /** Of all that determines the run: only a run with the same may resume it. */
  fingerprint: string
  onStart?: (plan: RunPlan) => void
}

/** A run that reached its end, with the best checkpoint's calibrated parameters in the engine. */
export interface FinishedRun {
  engine: Engine
  /** The parameters by name. */
  trained: TensorMap
  /** What the head's parameters were divided by. */
  temperature: number
  /** Of a multi-label task. */
  thresholds?: number[]
  history: HistoryRecord[]
  /** Steps done; fewer than planned where the run stopped early. */
  steps: number
  plannedSteps: number
  /** The step of the checkpoint that was kept. */
  bestStep: number
}

/** Where a run keeps its checkpoint until the output folder is written. */
export const checkpointPath = (out: Output) => `${outputPath(out)}.checkpoint.safetensors`

/**
 * Opens a run's output folder, and refuses at the start what would fail at the end. An older checkpoint stays where it is until the
 * run's own takes its place, or its output is on the disk.
 * @param inputs files and folders that the run reads
 * @throws GraftError `file-exists` for an interrupted run's checkpoint, and what `openOutput` throws
 */
export const withRunOutput = <Result>(
  { out, force, resume }: OutputOptions,
  inputs: (string | undefined)[],
  run: (output: OutputFolder) => Promise<Result>,
): Promise<Result> =>
  withOutput(out, { kind: 'model', force, inputs }, async (output) => {
    const path = checkpointPath(output)
    if (existsSync(path) && !resume && !force) {
      throw new GraftError('file-exists', `${path} is the checkpoint of an interrupted run`, {
        hint: 'Go on with --resume, or start over with --force.',
        file: path,
      })
    }
    await checkOutputFile(path)
    return run(output)
  })

/**
 * Trains a program on a task to the end. The output folder, which `finish` writes, appears when all is done; until then
 * the run's state is in `<out>.checkpoint.safetensors` beside it, from which `resume` goes on with the same result.
 * @throws GraftError `checkpoint`, `loss-not-finite`; the signal's reason, after a checkpoint was saved
 */
export async function runToOutput<Result>(
  { output, program, task, settings, fingerprint, onStart }: RunOptions,
  finish: (run: FinishedRun) => Promise<Result>,
): Promise<Result> {
  const path = checkpointPath(output.out)
  const optimizer = { ...ADAMW_DEFAULTS, beta2: settings.beta2, maxGradientNorm: settings.maxGradientNorm }
  const { threads, onProfile } = output
  await requireSpace(output, program)
  const engine = await openEngine(
    // It has its own copy: JavaScript's would be as large as the base.
    { program, optimizer, seed: settings.seed, onRead: () => program.frozen.clear() },
    { device: settings.device, threads, profile: onProfile !== undefined },
  )
  try {
    const resume = output.resume ? await readCheckpoint(path, fingerprint) : undefined
    const plannedSteps = totalStepsOf(settings, task.stepsPerEpoch)
    onStart?.({
      totalSteps: plannedSteps,
      engine: engine.name,
      resumedAt: resume?.step ?? 0,
    })
    const { signal, onRecord } = output
    const save = (state: RunState) => writeCheckpoint(path, state, fingerprint)
    const run = await runLoop({ engine, task, options: settings, resume, signal, onRecord, save })
    onProfile?.(await engine.profile?.())
    if (run.bestState) await engine.restore(new Map([...run.state, ...run.bestState]))
    const result = await finish({
      engine,
      ...(await calibrate(engine, program, task)),
      history: run.history,
      steps: run.step,
      plannedSteps,
      bestStep: run.best?.step ?? run.step,
    })
    await removeFile(path)
    return result
  } catch (error) {
    throw withWhatIsLeft(error, path, settings.learningRate)
  } finally {
    await engine.dispose()
  }
}

/** Divides the head by the task's temperature, so that confidence is honest wherever the model is used. */
async function calibrate(
  engine: Engine,
  program: TrainingProgram,
  task: TrainingTask,
): Promise<Pick<FinishedRun, 'trained' | 'temperature' | 'thresholds'>> {
  const calibrated = (await task.calibrate?.(engine)) ?? { temperature: 1 }
  const { temperature } = calibrated
  const state = await engine.state()
  const trained = trainedTensors(program, state) // views of the state
  if (temperature === 1) return { trained, ...calibrated }
  for (const name of program.head ?? []) {
    const { data } = trained.get(name) ?? {}
    data?.forEach((value, at) => (data[at] = value / temperature))
  }
  await engine.restore(state)
  return { trained, ...calibrated }
}

/** The error of a run that ended early, saying what is left of it and how to go on. */
function withWhatIsLeft(error: unknown, path: string, learningRate: number): unknown {
  if (!(error instanceof GraftError)) return error
  const { code, message, value } = error
  const left = existsSync(path)
  if (code === 'loss-not-finite') {
    const lower = `Train again with a --learning-rate below ${learningRate}`
    const kept = `, and --force, which replaces ${path}, the checkpoint of an earlier step.`
    return new GraftError(code, message, {
      hint: left ? lower + kept : `${lower}. Nothing was written.`,
      value,
      cause: error,
    })
  }
  if (code !== 'interrupted') return error
  const hint = left
    ? `Go on with --resume, or start over with --force. The checkpoint is ${path}.`
    : 'No step was done and nothing was written: run the command again.'
  return new GraftError(code, message, { hint, value, cause: error })
}

/** Values, two moments and the best values; in two checkpoints while one replaces the other; and the output itself. */
const TIMES_WRITTEN = 2 * 4 + 1

async function requireSpace({ out }: OutputOptions, { initial }: TrainingProgram): Promise<void> {
  const parameters = countNumbers(initial)
  if (typeof out !== 'string') await out.requireSpace(TIMES_WRITTEN * Float32Array.BYTES_PER_ELEMENT * parameters)
}

/** The trained parameters by name. */
function trainedTensors(program: TrainingProgram, state: ReadonlyMap<string, Float32Array>): TensorMap {
  const flat = (name: string) => {
    const values = state.get(name)
    if (!values) throw new Error(`the engine lost "${name}"`)
    return values
  }
  return new Map(program.groups.flatMap((group) => [...unflatten(group, flat(stateName(group, 'values')))]))
}
