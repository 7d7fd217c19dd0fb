/** A whole training run: data set and base in; adapter folder (LoRA) or base folder (full) out, with curves and report. */
import { adaptableLayers } from '../core/layers.ts'
import { loraScaling, matchTargetModules } from '../core/lora.ts'
import { createRandom } from '../core/random.ts'
import { type TensorMap, sizeOf } from '../core/tensors.ts'
import { type Base, readBase } from '../files/base-folder.ts'
import { sha256 } from '../files/hash.ts'
import type { StoredDataset } from './dataset.ts'
import { type EncodedDataset, encodeDataset } from './encode.ts'
import { type Part, type PartResult, measurePart } from './measure.ts'
import { writeOutput } from './output.ts'
import type { TrainingProgram } from './program.ts'
import { fullProgram, loraProgram } from './program/classifier.ts'
import { type OutputOptions, type RunPlan, checkOutput, runToOutput } from './run.ts'
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
  /** Steps done: fewer than were planned where the run stopped early. */
  steps: number
  plannedSteps: number
  /** The step of the checkpoint that was kept. */
  bestStep: number
  /** What the logits were divided by, so that confidence is honest: in the head's weights. */
  temperature: number
  validation: PartResult
  test: PartResult
  parameters: TrainPlan['parameters']
  seconds: number
}

/**
 * Trains a classifier and writes the best checkpoint. The output folder appears when all is done; until then the run's
 * state is in `<out>.checkpoint.safetensors` beside it, from which `resume` goes on with the same result.
 * @throws GraftError `file-exists`, `checkpoint`, `loss-not-finite`, and what `readBase` throws; the signal's reason, after
 *   a checkpoint was saved
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { dataset, out, settings } = options
  const started = performance.now()
  await checkOutput(options)
  const { base, tables, data, program, targets, parameters } = await prepare(options)
  const { labels } = dataset
  const { batchSize, tokenDropout, seed } = settings
  const task = classificationTask({ ...data, labels, batchSize, tokenDropout, seed })
  const onStart = (plan: RunPlan) => options.onStart?.({ ...plan, targets, parameters })
  return runToOutput(
    { output: options, program, task, settings, fingerprint: fingerprintOf(base, options), onStart },
    async ({ engine, trained, temperature, history, steps, plannedSteps, bestStep }) => {
      const measure = (part: Part) => measurePart(engine, part, { labels, padTokenId: data.padTokenId, temperature })
      const { splits } = dataset
      const validation = await measure({ examples: splits.validation, set: data.validation })
      const test = await measure({ examples: splits.test, set: data.test })
      const seconds = (performance.now() - started) / 1000
      const parts = { validation: validation.result, test: test.result }
      const result: TrainResult = { out, steps, plannedSteps, bestStep, temperature, ...parts, parameters, seconds }
      const mistakes = { validation: validation.mistakes, test: test.mistakes }
      await writeOutput({ options, base, tables, data, trained, result, mistakes, history })
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
  const { program, targets } = createProgram({ ...base, weights }, data, dataset.labels.length, settings)
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

function createProgram(
  base: Base,
  data: EncodedDataset,
  labels: number,
  settings: TrainSettings,
): { program: TrainingProgram; targets: string[] } {
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
  const targets = matchTargetModules(names, lora.targetModules)
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
