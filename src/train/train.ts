/** A whole training run: data set and base in; adapter folder (LoRA) or base folder (full) out, with curves and report. */
import { rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { GraftError } from '../core/errors.ts'
import { linearLayers } from '../core/layers.ts'
import { loraScaling, matchTargetModules } from '../core/lora.ts'
import type { Metrics } from '../core/metrics.ts'
import { createRandom } from '../core/random.ts'
import { type TensorMap, sizeOf } from '../core/tensors.ts'
import type { Base } from '../files/base-folder.ts'
import { sha256 } from '../files/hash.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import { fullProgram, loraProgram } from './classifier.ts'
import type { StoredDataset } from './dataset.ts'
import { type EncodedDataset, encodeDataset } from './encode.ts'
import type { Engine, EngineOptions } from './engine.ts'
import { createCompiledEngine } from './engine/compiled.ts'
import { createEagerEngine } from './engine/eager.ts'
import { type EncodedSet, evaluateSet } from './evaluate.ts'
import { type RunState, runLoop, totalSteps } from './loop.ts'
import { ADAMW_DEFAULTS } from './optimizer.ts'
import { writeOutput } from './output.ts'
import { type TrainingProgram, unflatten } from './program.ts'
import type { HistoryRecord } from './report.ts'
import type { TrainSettings } from './settings.ts'
import { stateName } from './step.ts'

/** What a run starts with, for the table that is shown before it. */
export interface TrainPlan {
  /** Linear layers with an adapter. */
  targets: string[]
  parameters: { total: number; trainable: number }
  totalSteps: number
  engine: string
  /** Steps done by the interrupted run that goes on. */
  resumedAt: number
}

export interface TrainOptions {
  base: Base
  dataset: StoredDataset
  /** Folder to write. */
  out: string
  settings: TrainSettings
  /** Replace the output folder, and forget an interrupted run. */
  force?: boolean
  /** Go on with the interrupted run. */
  resume?: boolean
  /** Threads of the compiled engine; all cores by default. */
  threads?: number
  signal?: AbortSignal
  onStart?: (plan: TrainPlan) => void
  onRecord?: (record: HistoryRecord, totalSteps: number) => void
}

export interface TrainResult {
  out: string
  /** Steps done, and the step of the checkpoint that was kept. */
  steps: number
  bestStep: number
  validation: Metrics & { loss: number }
  test: Metrics & { loss: number }
  parameters: TrainPlan['parameters']
  seconds: number
}

/** Where a run keeps its checkpoint until the output folder is written. */
const checkpointPath = (out: string) => `${out}.checkpoint.safetensors`

/**
 * Trains a classifier and writes the best checkpoint. The output folder appears when all is done; until then the run's
 * state is in `<out>.checkpoint.safetensors` beside it, from which `resume` goes on with the same result.
 * @throws GraftError `file-exists`, `checkpoint`, `loss-not-finite`; the signal's reason, after a checkpoint was saved
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { base, dataset, out, settings, signal, onRecord } = options
  const started = performance.now()
  await checkOutput(options)
  const data = encodeDataset(dataset, base.config, settings.maxLength)
  const { program, targets } = createProgram(base, data, dataset.labels.length, settings)
  const engine = await createEngine(
    settings,
    { program, optimizer: { ...ADAMW_DEFAULTS, maxGradientNorm: settings.maxGradientNorm }, seed: settings.seed },
    options.threads,
  )
  try {
    const fingerprint = fingerprintOf(options)
    const resume = options.resume ? await readCheckpoint(checkpointPath(out), fingerprint) : undefined
    const parameters = countParameters(base, program)
    options.onStart?.({
      targets,
      parameters,
      totalSteps: totalSteps(data.train.labels.length, settings),
      engine: engine.name,
      resumedAt: resume?.step ?? 0,
    })
    const save = (state: RunState) => writeCheckpoint(checkpointPath(out), state, fingerprint)
    const { train: trainSet, validation, padTokenId } = data
    const run = await runLoop({
      engine,
      train: trainSet,
      validation,
      labels: dataset.labels,
      padTokenId,
      options: settings,
      resume,
      signal,
      onRecord,
      save,
    })

    const result = {
      ...(await evaluateBest(engine, run, data, dataset.labels)),
      out,
      parameters,
      seconds: (performance.now() - started) / 1000,
    }
    const trained = trainedTensors(program, await engine.state())
    await writeOutput({ options, data, trained, result, history: run.history })
    await rm(checkpointPath(out), { force: true })
    return result
  } finally {
    await engine.dispose()
  }
}

/** Of all that determines a run. Engines give the same results, so one may go on where another stopped. */
function fingerprintOf({ base, dataset, settings }: TrainOptions): string {
  const validation = dataset.splits.validation.map(({ text, label }) => [text, label]) // decides which step is kept
  const parts = [
    base.sha256,
    base.config,
    dataset.sha256,
    dataset.labels,
    validation,
    { ...settings, engine: undefined },
  ]
  return sha256(JSON.stringify(parts))
}

/** Puts the best checkpoint's parameters back and measures them. */
async function evaluateBest(
  engine: Engine,
  run: RunState,
  data: EncodedDataset,
  labels: string[],
): Promise<Pick<TrainResult, 'steps' | 'bestStep' | 'validation' | 'test'>> {
  if (run.bestState) await engine.restore(new Map([...run.state, ...run.bestState]))
  const measure = async (set: EncodedSet) => {
    const { loss, metrics } = await evaluateSet((batch) => engine.evaluate(batch), set, labels, data.padTokenId)
    return { loss, ...metrics }
  }
  return {
    steps: run.step,
    bestStep: run.best?.step ?? run.step,
    validation: await measure(data.validation),
    test: await measure(data.test),
  }
}

/** Refuses at the start what would fail at the end. */
async function checkOutput({ out, force, resume }: TrainOptions): Promise<void> {
  const path = checkpointPath(out)
  if (force && !resume) await rm(path, { force: true })
  if (existsSync(out) && !force) {
    throw new GraftError('file-exists', `${out} exists already`, {
      hint: 'Choose another name, or replace it with --force.',
      file: out,
    })
  }
  if (existsSync(path) && !resume) {
    throw new GraftError('file-exists', `${path} is the checkpoint of an interrupted run`, {
      hint: 'Go on with --resume, or start over with --force.',
      file: path,
    })
  }
}

function createProgram(
  base: Base,
  data: EncodedDataset,
  labels: number,
  settings: TrainSettings,
): { program: TrainingProgram; targets: string[] } {
  const { method, weightDecay, lora } = settings
  const common = {
    // In the compact vocabulary the pad token has another id, which tells where a text ends.
    config: { ...base.config, pad_token_id: data.padTokenId },
    weights: data.vocabulary.restrict(base.weights),
    labels,
    weightDecay,
    // By method, or an adapter's head would start as the head that its base was trained with from the same seed.
    random: createRandom(settings.seed).fork(method),
  }
  if (method === 'full') return { program: fullProgram(common), targets: [] }
  const names = linearLayers(base.config).map(({ name }) => name)
  const targets = matchTargetModules(names, lora.targetModules)
  const scaling = loraScaling({ mode: lora.scaling, alpha: lora.alpha, rank: lora.rank })
  return { program: loraProgram(common, { ...lora, scaling, targets }), targets }
}

const createEngine = (settings: TrainSettings, options: EngineOptions, threads: number | undefined): Promise<Engine> =>
  settings.engine === 'eager' ? createEagerEngine(options) : createCompiledEngine(options, { threads })

/** All parameters of the model, and those that are trained; embeddings of unused tokens count, though they stay as they are. */
function countParameters(base: Base, { groups, initial, frozen }: TrainingProgram): TrainPlan['parameters'] {
  const count = (tensors: Iterable<{ shape: number[] }>) =>
    [...tensors].reduce((total, { shape }) => total + sizeOf(shape), 0)
  const added = count([...initial].filter(([name]) => !base.weights.has(name)).map(([, tensor]) => tensor))
  const total = count(base.weights.values()) + added
  return { total, trainable: frozen.size === 0 ? total : count(groups.flatMap(({ parameters }) => parameters)) }
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
