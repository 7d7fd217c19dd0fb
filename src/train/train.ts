/** A whole training run: data set and base in; adapter folder (LoRA) or base folder (full) out, with curves and report. */
import { modelOf } from '../core/families.ts'
import type { ModelConfig } from '../core/family.ts'
import { adaptableLayers } from '../core/layers.ts'
import { loraScaling, matchTargetModules } from '../core/lora.ts'
import { createRandom } from '../core/random.ts'
import type { ProblemType } from '../core/task.ts'
import { createEvaluator } from '../core/evaluators.ts'
import { type TensorMap, sizeOf } from '../core/tensors.ts'
import type { TokenizerSource } from '../core/tokenizer.ts'
import { type Base, readBase } from '../files/base-folder.ts'
import { sha256 } from '../files/hash.ts'
import type { OutputFolder } from '../files/output.ts'
import { readTokenizer } from '../files/tokenizer-files.ts'
import { settleBasePrecision } from './base-precision.ts'
import type { StoredDataset } from './dataset.ts'
import { type EncodedDataset, encodeDataset } from './encode.ts'
import { shippedBase } from './shipped-base.ts'
import { identityOf } from './identity.ts'
import { type Part, type PartResult, measurePart } from './measure.ts'
import { writeOutput } from './output.ts'
import type { TrainingProgram } from './program.ts'
import { fullProgram, loraProgram } from './program/classifier.ts'
import { type OutputOptions, type RunPlan, runToOutput, settingsAmong, withRunOutput } from './run.ts'
import type { TrainSettings, TrainSettingsInput } from './settings.ts'
import { type ResolvedSettings, recipeFile, resolveSettings } from './settings/resolve.ts'
import { classificationTask } from './task/classification.ts'
import { regressionTask } from './task/regression.ts'
import type { Vocabulary } from './vocabulary.ts'

/** What a run starts with, for the table that is shown before it. */
export interface TrainPlan extends RunPlan {
  /** Linear layers with an adapter. */
  targets: string[]
  parameters: { total: number; trainable: number }
  /** All settings in force, and where each one comes from. */
  settings: TrainSettings
  sources: ResolvedSettings['sources']
  /** The method of the base's recipe where that is of another one, so that it is not used. */
  unusedRecipe?: ResolvedSettings['unusedRecipe']
  /** Why the base is kept as it is, where that was left to the library. */
  precisionReason?: string
}

/** What to train and where to; any setting beside it goes over the recipe's. */
export interface TrainOptions extends OutputOptions, TrainSettingsInput {
  /** Base folder; by default the small one that ships with Graft. */
  base?: string
  dataset: StoredDataset
  /** File of settings as JSON, which go over the base's recipe; `none` for the defaults alone. */
  recipe?: string | undefined
  /** Called before the trial of `basePrecision: 'auto'`, which takes seconds. */
  onTrial?: () => void
  onStart?: (plan: TrainPlan) => void
}

/** Of a data set whose texts have one label each, unless another kind is named. */
export interface TrainResult<Kind extends ProblemType = 'single_label_classification'> {
  out: string
  /** Steps done: fewer than were planned where the run stopped early. */
  steps: number
  plannedSteps: number
  /** The step of the checkpoint that was kept. */
  bestStep: number
  /** What the logits were divided by, in the head's weights: so that confidence is honest, or a regression's numbers in their units. */
  temperature: number
  /** Multi-label: for each label the score from which on a text has it, fitted on the validation part. */
  thresholds?: number[]
  validation: PartResult<Kind>
  test: PartResult<Kind>
  parameters: TrainPlan['parameters']
  settings: TrainSettings
  seconds: number
}

/**
 * Trains a classifier and writes the best checkpoint: an adapter, or with `method: 'full'` a base. The output folder appears
 * when all is done; until then the run's state is in `<out>.checkpoint.safetensors` beside it, from which `resume` goes on
 * with the same result.
 *
 * Settings are the library's defaults, over them the recipe that the base brings, over that the file `recipe`, over that
 * what is given here.
 * @throws GraftError `usage` for an option that there is not or a value out of its range, `config` for a recipe that is none,
 *   `file-exists`, `checkpoint`, `loss-not-finite`, and what `readBase` throws; the signal's reason, after a checkpoint was saved
 * @example
 * import { readDataset, train } from 'graft-lora/train'
 *
 * const dataset = await readDataset('runs/data')
 * const { test } = await train({ dataset, out: 'runs/rank-2', lora: { rank: 2 }, maxSteps: 50 })
 * console.log(test.accuracy)
 */
export const train = <Kind extends ProblemType = 'single_label_classification'>(
  options: TrainOptions,
): Promise<TrainResult<Kind>> =>
  withRunOutput(
    options,
    [options.base, options.dataset.dir, recipeFile(options.recipe)],
    // The data set says which kind it is: who calls, and names it, has made it.
    (out) => trainInto(out, options) as Promise<unknown> as Promise<TrainResult<Kind>>,
  )

async function trainInto(folder: OutputFolder, options: TrainOptions): Promise<TrainResult<ProblemType>> {
  const { base: dir = shippedBase(), dataset, recipe, onTrial, onStart, ...others } = options
  const out = folder.path
  const started = performance.now()
  const { weights, ...read } = await readBase(dir)
  const base = { ...read, tokenizer: await readTokenizer(dir, read.config) }
  const resolved = await resolveSettings({ base, given: settingsAmong(others), recipe })
  const { sources } = resolved
  const prepared = await prepare({ ...base, weights }, dataset, resolved.settings)
  const { tables, data, targets, parameters } = prepared
  const { labels, problemType } = dataset
  const { batchSize, tokenDropout, seed } = resolved.settings
  const taskOf = problemType === 'regression' ? regressionTask : classificationTask
  const task = taskOf({ ...data, task: createEvaluator({ labels, problemType }), batchSize, tokenDropout, seed })
  const identity = await identityOf(base, dataset)
  const { program, settings, precisionReason } = await settleBasePrecision({
    program: prepared.program,
    task,
    settings: resolved.settings,
    output: { ...others, out: folder },
    fingerprintOf: (settled) => fingerprintOf(identity, settled),
    onTrial,
  })
  const fingerprint = fingerprintOf(identity, settings)
  const announce = (plan: RunPlan) =>
    onStart?.({ ...plan, ...resolved, settings, targets, parameters, ...(precisionReason && { precisionReason }) })
  return runToOutput(
    { output: { ...others, out: folder }, program, task, settings, fingerprint, onStart: announce },
    async ({ engine, trained, temperature, thresholds, history, steps, plannedSteps, bestStep }) => {
      const kept = createEvaluator({ labels, problemType, thresholds })
      const measure = (part: Part) =>
        measurePart(engine, part, { task: kept, padTokenId: data.padTokenId, temperature })
      const { splits } = dataset
      const validation = await measure({ examples: splits.validation, set: data.validation })
      const test = await measure({ examples: splits.test, set: data.test })
      const mistakes = { validation: validation.mistakes, test: test.mistakes }
      const result: TrainResult<ProblemType> = {
        out,
        steps,
        plannedSteps,
        bestStep,
        temperature,
        ...(thresholds && { thresholds }),
        validation: validation.result,
        test: test.result,
        parameters,
        settings,
        seconds: (performance.now() - started) / 1000,
      }
      await writeOutput({ out: folder, dataset, base, tables, data, trained, result, mistakes, sources, history })
      return result
    },
  )
}

/** A base but for its weights. */
export type BaseFacts = Omit<Base, 'weights'> & { tokenizer: TokenizerSource }

interface Prepared {
  /** Those of the base's tensors that are trained, but by rows: the rows of all tokens. */
  tables: TensorMap
  data: EncodedDataset
  program: TrainingProgram
  targets: string[]
  parameters: TrainPlan['parameters']
}

/** All that a run takes from its base. The weights are not among it: what is frozen is the engine's alone once that is made. */
async function prepare(base: Base & BaseFacts, dataset: StoredDataset, settings: TrainSettings): Promise<Prepared> {
  const data = await encodeDataset(dataset, base, settings.maxLength)
  const { program, targets } = await createProgram(base, data, dataset, settings)
  const parameters = countParameters(base, program, data.vocabulary)
  const { isTokenTable } = data.vocabulary
  const tables = new Map([...base.weights].filter(([name]) => isTokenTable(name) && program.initial.has(name)))
  return { tables, data, program, targets, parameters }
}

/** Of all that determines a run. Engines give the same results, so one may go on where another stopped. */
const fingerprintOf = (identity: string, settings: TrainSettings): string =>
  sha256(JSON.stringify([identity, { ...settings, device: undefined }]))

/** In the compact vocabulary the pad token has another id, which tells where a text ends; a model without one goes on without. */
const compactConfig = (config: ModelConfig, { vocabulary, padTokenId }: EncodedDataset): ModelConfig => ({
  ...config,
  pad_token_id: modelOf(config).padTokenId === undefined ? null : padTokenId,
  vocab_size: vocabulary.ids.length,
})

async function createProgram(
  base: Base,
  data: EncodedDataset,
  { labels, problemType }: StoredDataset,
  settings: TrainSettings,
): Promise<{ program: TrainingProgram; targets: string[] }> {
  const { method, weightDecay, lora } = settings
  const common = {
    config: compactConfig(base.config, data),
    weights: data.vocabulary.restrict(base.weights),
    labels: labels.length,
    problemType,
    weightDecay,
    // By method, or an adapter's head would start as the head that its base was trained with from the same seed.
    random: createRandom(settings.seed).fork(method),
  }
  if (method === 'full') return { program: fullProgram(common), targets: [] }
  const targets = await matchTargetModules(adaptableLayers(base.config), lora.targetModules)
  const scaling = loraScaling({ mode: lora.scaling, alpha: lora.alpha, rank: lora.rank })
  // Until a trial has settled it.
  const basePrecision = lora.basePrecision === 'auto' ? 'fp32' : lora.basePrecision
  return { program: loraProgram(common, { ...lora, basePrecision, scaling, targets }), targets }
}

/** All parameters of the model, and those that are trained; rows of tokens that no text uses count, though they stay as they are. */
function countParameters(
  base: BaseFacts,
  { initial, frozen }: TrainingProgram,
  { ids, isTokenTable }: Vocabulary,
): TrainPlan['parameters'] {
  const count = (tensors: Iterable<readonly [string, { shape: number[] }]>) =>
    [...tensors].reduce((total, [name, { shape }]) => {
      const rows = isTokenTable(name) ? base.config.vocab_size / ids.length : 1
      return total + rows * sizeOf(shape)
    }, 0)
  const trainable = count(initial)
  return { total: trainable + count([...frozen].filter(([name]) => !initial.has(name))), trainable }
}
