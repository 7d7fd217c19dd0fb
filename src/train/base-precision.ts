/**
 * Chooses between a frozen base in float32 and one in eight bits: by what the processor has, and by a trial of a few steps on the run's
 * own texts. Some models have a few activations far from all others, in whose scale the rest of a token drowns.
 */
import { readFingerprint } from './checkpoint.ts'
import { createCompiledEngine } from './engine/compiled.ts'
import { hasInt8Products } from './engine/int8-products.ts'
import type { Engine, TrainingState } from './engine.ts'
import { ADAMW_DEFAULTS } from './optimizer.ts'
import type { TrainingProgram } from './program.ts'
import { FROZEN_SCHEMES } from './program/classifier.ts'
import { type OutputOptions, checkpointPath } from './run.ts'
import type { RunSettings, TrainSettings } from './settings.ts'
import { stateName } from './step.ts'
import type { TrainingBatch, TrainingTask } from './task.ts'

interface PrecisionChoice {
  basePrecision: 'fp32' | 'int8'
  /** Why, in words. */
  reason: string
}

/** How far steps on a base in eight bits are from those in float32. */
export interface Trial {
  /** The largest difference of the loss, as a share of it. */
  loss: number
  /** The least cosine of the gradients, each as one long vector. */
  cosine: number
  /** Time in float32 over time in eight bits. */
  speed: number
}

/** The trial's bounds; bases that train as well in eight bits are inside (docs/precision.md). */
const BOUNDS: Trial = { loss: 0.02, cosine: 0.98, speed: 1 }

/** Steps before the trial, so that neither A nor B is zero, and of the trial. */
const [BEFORE, STEPS] = [4, 4]

export interface Unsettled {
  /** With its base in float32. */
  program: TrainingProgram
  task: TrainingTask
  settings: TrainSettings
  output: OutputOptions
  fingerprintOf(settings: TrainSettings): string
  /** Called before a trial, which takes seconds. */
  onTrial?: (() => void) | undefined
}

export interface Settled {
  program: TrainingProgram
  settings: TrainSettings
  /** Why so, where that was not given. */
  precisionReason?: string
}

/**
 * Puts what was chosen in the place of `auto`, so that the run's settings and its files say it. An interrupted run goes on as it began.
 * @throws GraftError what reading a checkpoint and opening an engine throw
 */
export async function settleBasePrecision(unsettled: Unsettled): Promise<Settled> {
  const { program, settings, output, fingerprintOf } = unsettled
  if (settings.method === 'full' || settings.lora.basePrecision !== 'auto') return { program, settings }
  const settled = (basePrecision: PrecisionChoice['basePrecision']): Settled => ({
    program: { ...program, frozenScheme: FROZEN_SCHEMES[basePrecision] },
    settings: { ...settings, lora: { ...settings.lora, basePrecision } },
  })
  if (output.resume) {
    const fingerprint = await readFingerprint(checkpointPath(output.out))
    const isInt8 = fingerprint === fingerprintOf(settled('int8').settings)
    return { ...settled(isInt8 ? 'int8' : 'fp32'), precisionReason: 'as the interrupted run began' }
  }
  const { basePrecision, reason } = await choose(unsettled)
  return { ...settled(basePrecision), precisionReason: reason }
}

async function choose({ program, task, settings, output, onTrial }: Unsettled): Promise<PrecisionChoice> {
  const { device } = settings
  if (device !== 'cpu') return float32(`device ${device} has no products in eight bits`)
  if (!(await hasInt8Products()))
    return float32('this processor has no products in eight bits (VNNI, AMX, dot product)')
  onTrial?.()
  const { threads, signal } = output
  const trial = await tryInt8({ program, task, settings, threads, signal })
  const { loss, cosine, speed } = trial
  const found =
    `in a trial of ${STEPS} steps in eight bits the loss was within ${(100 * loss).toPrecision(2)} % of that in float32, ` +
    `gradients' cosine was ${cosine.toFixed(3)} or more, and a step was ${speed.toFixed(1)} × as fast`
  return isWithin(trial) ? { basePrecision: 'int8', reason: found } : float32(found)
}

const float32 = (reason: string): PrecisionChoice => ({ basePrecision: 'fp32', reason })

const isWithin = ({ loss, cosine, speed }: Trial): boolean =>
  loss <= BOUNDS.loss && cosine >= BOUNDS.cosine && speed >= BOUNDS.speed

interface TrialOptions extends Pick<Unsettled, 'program' | 'task'> {
  settings: Pick<RunSettings, 'seed' | 'learningRate'>
  threads?: number | undefined
  signal?: AbortSignal | undefined
}

/** The same steps in float32 and in eight bits, each from where float32 is. */
export async function tryInt8({ program, task, settings, threads, signal }: TrialOptions): Promise<Trial> {
  const { seed, learningRate } = settings
  const open = (frozenScheme: TrainingProgram['frozenScheme']) =>
    createCompiledEngine({ program: { ...program, frozenScheme }, optimizer: ADAMW_DEFAULTS, seed }, { threads })
  const engines: Engine[] = []
  try {
    const exact = await open(FROZEN_SCHEMES.fp32)
    engines.push(exact)
    const narrow = await open(FROZEN_SCHEMES.int8)
    engines.push(narrow)
    const trials: Trial[] = []
    const batches = batchesOf(task, BEFORE + STEPS)
    for (const [at, batch] of batches.entries()) {
      signal?.throwIfAborted()
      const step = { learningRate, step: at + 1 }
      const { feeds } = batch()
      if (at < batches.length - STEPS) {
        await exact.step(feeds, step)
        continue
      }
      const start = withoutMoments(await exact.state())
      await narrow.restore(start)
      const other = await timed(() => narrow.step(feeds, step))
      const gradient = gradientOf(program, await narrow.state())
      await exact.restore(start)
      const own = await timed(() => exact.step(feeds, step))
      trials.push({
        loss: Math.abs(other.result.loss / own.result.loss - 1),
        cosine: cosine(gradientOf(program, await exact.state()), gradient),
        speed: own.milliseconds / other.milliseconds,
      })
    }
    return {
      loss: Math.max(...trials.map(({ loss }) => loss)),
      cosine: Math.min(...trials.map(({ cosine }) => cosine)),
      speed: median(trials.map(({ speed }) => speed)),
    }
  } finally {
    await Promise.all(engines.map((engine) => engine.dispose()))
  }
}

/** Parameters alone: a step then leaves its gradient in the first moments, but for a factor. */
const withoutMoments = (state: TrainingState): TrainingState =>
  new Map(
    [...state].map(([name, values]) => [name, name.endsWith('.values') ? values : new Float32Array(values.length)]),
  )

/** Of all parameters, end to end, after a step from moments of zero. */
const gradientOf = ({ groups }: TrainingProgram, state: TrainingState): Float32Array =>
  Float32Array.from(groups.flatMap((group) => [...(state.get(stateName(group, 'm')) ?? [])]))

const cosine = (a: Float32Array, b: Float32Array): number => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, at) => sum + value * (b[at] ?? NaN), 0)

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

async function timed<Result>(run: () => Promise<Result>): Promise<{ result: Result; milliseconds: number }> {
  const started = performance.now()
  const result = await run()
  return { result, milliseconds: performance.now() - started }
}

/** The run's first batches; an epoch of fewer begins again. */
function batchesOf(task: TrainingTask, count: number): (() => TrainingBatch)[] {
  const batches: (() => TrainingBatch)[] = []
  for (let epoch = 0; batches.length < count; epoch++) batches.push(...task.batches(epoch))
  return batches.slice(0, count)
}
