/** A whole training run: data set and base in; adapter folder (LoRA) or base folder (full) out, with curves and report. */
import { adaptableLayers } from '../core/layers.ts'
import { loraScaling, matchTargetModules } from '../core/lora.ts'
import type { Metrics } from '../core/metrics.ts'
import { createRandom } from '../core/random.ts'
import { type TensorMap, sizeOf } from '../core/tensors.ts'
import { type Base, readBase } from '../files/base-folder.ts'
import { sha256 } from '../files/hash.ts'
import type { OutputFolder } from '../files/output.ts'
import type { StoredDataset } from './dataset.ts'
import { type EncodedDataset, encodeDataset } from './encode.ts'
import { type Engine, tokenFeeds } from './engine.ts'
import { type EncodedSet, evaluateSet } from './evaluate.ts'
import { writeOutput } from './output.ts'
import type { TrainingProgram } from './program.ts'
import { fullProgram, loraProgram } from './program/classifier.ts'
import { type OutputOptions, type RunPlan, runToOutput, withRunOutput } from './run.ts'
import type { TrainSettings } from './settings.ts'
import { classificationTask } from './task/classification.ts'
import { type Vocabulary, isTokenTable } from './vocabulary.ts'

/** What a run starts with, for the table that is shown before it. */
export interface TrainPlan extends RunPlan {
  /** Linear layers with an adapter. */
  targets: string[]
  parameters: { total: number; trainable: number }
}

export interface TrainOptions extends OutputOptions {
  /** Base folder. */
  base: string
  dataset: StoredDataset
  settings: TrainSettings
  onStart?: (plan: TrainPlan) => void
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

/**
 * Trains a classifier and writes the best checkpoint. The output folder appears when all is done; until then the run's
 * state is in `<out>.checkpoint.safetensors` beside it, from which `resume` goes on with the same result.
 * @throws GraftError `file-exists`, `checkpoint`, `loss-not-finite`, and what `readBase` throws; the signal's reason, after
 *   a checkpoint was saved
 */
export const train = (options: TrainOptions): Promise<TrainResult> =>
  withRunOutput(options, [options.base, options.dataset.dir], (out) => trainInto(out, { ...options, out }))

async function trainInto({ path: out }: OutputFolder, options: TrainOptions): Promise<TrainResult> {
  const { dataset, settings } = options
  const started = performance.now()
  const { base, tables, data, program, targets, parameters } = await prepare(options)
  const { labels } = dataset
  const { batchSize, tokenDropout, seed } = settings
  const task = classificationTask({ ...data, labels, batchSize, tokenDropout, seed })
  const onStart = (plan: RunPlan) => options.onStart?.({ ...plan, targets, parameters })
  return runToOutput(
    { output: options, program, task, settings, fingerprint: fingerprintOf(base, options), onStart },
    async ({ engine, trained, history, steps, bestStep }) => {
      const measure = (set: EncodedSet) => measureSet(engine, set, labels, data.padTokenId)
      const [validation, test] = [await measure(data.validation), await measure(data.test)]
      const seconds = (performance.now() - started) / 1000
      const result: TrainResult = { out, steps, bestStep, validation, test, parameters, seconds }
      await writeOutput({ options, base, tables, data, trained, result, history })
      return result
    },
  )
}

/** A base but for its weights. */
export type BaseFacts = Omit<Base, 'weights'>

interface Prepared {
  base: BaseFacts
  /** Those of the base's tensors that are trained, but by rows: the rows of all tokens. */
  tables: TensorMap
  data: EncodedDataset
  program: TrainingProgram
  targets: string[]
  parameters: TrainPlan['parameters']
}

/** All that a run takes from its base. The weights are not among it: what is frozen is the engine's alone once that is made. */
async function prepare({ base: dir, dataset, settings }: TrainOptions): Promise<Prepared> {
  const { weights, ...base } = await readBase(dir)
  const data = encodeDataset(dataset, base.config, settings.maxLength)
  const { program, targets } = await createProgram({ ...base, weights }, data, dataset.labels.length, settings)
  const parameters = countParameters(base, program, data.vocabulary.ids)
  const tables = new Map([...weights].filter(([name]) => isTokenTable(name) && program.initial.has(name)))
  return { base, tables, data, program, targets, parameters }
}

/** Of all that determines a run. Engines give the same results, so one may go on where another stopped. */
function fingerprintOf(base: BaseFacts, { dataset, settings }: TrainOptions): string {
  const validation = dataset.splits.validation.map(({ text, label }) => [text, label]) // decides which step is kept
  const parts = [
    base.sha256,
    base.config,
    dataset.sha256,
    dataset.labels,
    validation,
    { ...settings, device: undefined },
  ]
  return sha256(JSON.stringify(parts))
}

async function measureSet(engine: Engine, set: EncodedSet, labels: string[], padTokenId: number) {
  const { loss, metrics } = await evaluateSet((batch) => engine.evaluate(tokenFeeds(batch)), set, labels, padTokenId)
  return { loss, ...metrics }
}

async function createProgram(
  base: Base,
  data: EncodedDataset,
  labels: number,
  settings: TrainSettings,
): Promise<{ program: TrainingProgram; targets: string[] }> {
  const { method, weightDecay, lora } = settings
  const common = {
    // In the compact vocabulary the pad token has another id, which tells where a text ends.
    config: { ...base.config, pad_token_id: data.padTokenId, vocab_size: data.vocabulary.ids.length },
    weights: data.vocabulary.restrict(base.weights),
    labels,
    weightDecay,
    // By method, or an adapter's head would start as the head that its base was trained with from the same seed.
    random: createRandom(settings.seed).fork(method),
  }
  if (method === 'full') return { program: fullProgram(common), targets: [] }
  const names = adaptableLayers(base.config).map(({ name }) => name)
  const targets = await matchTargetModules(names, lora.targetModules)
  const scaling = loraScaling({ mode: lora.scaling, alpha: lora.alpha, rank: lora.rank })
  return { program: loraProgram(common, { ...lora, scaling, targets }), targets }
}

/** All parameters of the model, and those that are trained; rows of tokens that no text uses count, though they stay as they are. */
function countParameters(
  base: BaseFacts,
  { initial, frozen }: TrainingProgram,
  ids: Vocabulary['ids'],
): TrainPlan['parameters'] {
  const count = (tensors: Iterable<readonly [string, { shape: number[] }]>) =>
    [...tensors].reduce((total, [name, { shape }]) => {
      const rows = isTokenTable(name) ? base.config.vocab_size / ids.length : 1
      return total + rows * sizeOf(shape)
    }, 0)
  const trainable = count(initial)
  return { total: trainable + count([...frozen].filter(([name]) => !initial.has(name))), trainable }
}
