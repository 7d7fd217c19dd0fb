/**
 * The table of settings: what there is to set, its range and default. The command line's options, the library's types, the
 * report's list and a sweep's grid are made of it.
 */
import { DEVICE_NAMES } from '../core/devices.ts'
import { type Setting, choice, integer, nonNegative, positive, rate, share, targets } from './settings/setting.ts'

/** Of LoRA alone; in files and in the library they stand under `lora`. */
export const LORA_SETTINGS = {
  rank: integer({ min: 1, default: 8, group: 'adapter', placeholder: 'r', help: 'rank of the adapters' }),
  alpha: positive({ default: 16, group: 'adapter', placeholder: 'number', help: 'scale of the adapters' }),
  scaling: choice(['peft', 'rslora', 'alpha'], {
    default: 'peft',
    group: 'adapter',
    help: 'factor of A·B: alpha/r, alpha/√r, or alpha itself',
  }),
  dropout: rate({ default: 0.05, group: 'adapter', placeholder: 'rate', help: 'dropout before the adapters' }),
  targetModules: targets({
    default: 'all-linear',
    group: 'adapter',
    help: 'layers that get an adapter: all-linear, names with commas, or a regular expression',
  }),
  initialization: choice(['normal', 'kaiming'], {
    default: 'normal',
    group: 'adapter',
    help: 'of A: N(0, 0.01²), or as PEFT',
  }),
  loraPlusRatio: positive({
    default: 1,
    group: 'adapter',
    placeholder: 'ratio',
    // Hayou et al. 2024, arXiv:2402.12354.
    help: "LoRA+: the learning rate of linear layers' B, over that of A",
  }),
  basePrecision: choice(['fp32', 'int8', 'int4', 'nf4', 'auto'], {
    default: 'fp32',
    group: 'adapter',
    help: 'how the frozen base is kept and multiplied by; auto: int8 if that is as good and faster here',
  }),
}

/** Of every kind of training. */
const RUN_SETTINGS = {
  epochs: integer({
    min: 1,
    default: 5,
    group: 'schedule',
    placeholder: 'count',
    help: 'passes over the training part',
  }),
  minSteps: integer({
    min: 0,
    default: 0,
    group: 'schedule',
    placeholder: 'count',
    help: 'plan at least so many steps, in more epochs if need be; 0: just the epochs',
  }),
  maxSteps: integer({
    min: 0,
    default: 0,
    group: 'schedule',
    placeholder: 'count',
    help: 'plan at most so many steps, whatever the epochs; 0: no limit',
  }),
  batchSize: integer({ min: 1, default: 16, group: 'schedule', placeholder: 'rows', help: 'texts a step' }),
  evalEvery: integer({
    min: 0,
    default: 0,
    group: 'schedule',
    placeholder: 'steps',
    help: 'evaluate every so many steps too; 0: only at the ends of epochs, 20 of them at most',
  }),
  patience: integer({
    min: 0,
    default: 0,
    group: 'schedule',
    placeholder: 'count',
    help: 'stop after so many evaluations without improvement; 0: never',
  }),
  learningRate: positive({
    default: 1e-3,
    group: 'optimizer',
    placeholder: 'rate',
    help: 'highest learning rate',
  }),
  warmup: share({ default: 0.1, group: 'optimizer', placeholder: 'share', help: 'share of all steps that warm up' }),
  decay: choice(['linear', 'cosine'], {
    default: 'linear',
    group: 'optimizer',
    help: 'how the learning rate falls after that',
  }),
  weightDecay: share({ default: 0.01, group: 'optimizer', placeholder: 'rate', help: 'decoupled weight decay' }),
  maxGradientNorm: positive({
    default: 1,
    group: 'optimizer',
    placeholder: 'norm',
    help: 'longer gradients are clipped to this',
  }),
  // A token's row of an embedding adapter has a gradient now and then. With a long memory of how small gradients were, each of
  // them would move it by up to 30 learning rates; with this one, by five.
  beta2: rate({ default: 0.95, group: 'optimizer', placeholder: 'rate', help: "decay of AdamW's second moments" }),
  seed: integer({ min: 0, default: 123, group: 'run', placeholder: 'number', help: 'seed of all random choices' }),
  device: choice(DEVICE_NAMES, { default: 'cpu', group: 'run', help: 'what computes' }),
}

const withDefault = <Value>(setting: Setting<Value>, value: Value, help = setting.help) => ({
  ...setting,
  default: value,
  help,
})

/** Of `train`, by their flat names. */
export const TRAIN_SETTINGS = {
  method: choice(['lora', 'full'], { default: 'lora', group: 'method', help: 'train adapters, or all weights' }),
  ...LORA_SETTINGS,
  ...RUN_SETTINGS,
  patience: withDefault(RUN_SETTINGS.patience, 8),
  tokenDropout: rate({
    default: 0,
    group: 'texts',
    placeholder: 'share',
    // Word dropout (Iyyer et al. 2015).
    help: 'share of the tokens left out of a text, other ones each time',
  }),
  maxLength: integer({
    min: 1,
    default: 128,
    group: 'texts',
    placeholder: 'tokens',
    help: 'tokens after which texts are cut',
  }),
}

/** Of `pretrain`; the defaults suit a corpus of some million words. */
export const PRETRAIN_SETTINGS = {
  ...RUN_SETTINGS,
  epochs: withDefault(RUN_SETTINGS.epochs, 3, 'passes over the corpus'),
  batchSize: withDefault(RUN_SETTINGS.batchSize, 16, 'sequences a step'),
  evalEvery: withDefault(
    RUN_SETTINGS.evalEvery,
    250,
    'measure perplexity and save every so many steps; 0: only at the ends of epochs, 20 of them at most',
  ),
  learningRate: withDefault(RUN_SETTINGS.learningRate, 2e-3),
  warmup: withDefault(RUN_SETTINGS.warmup, 0.05),
  decay: withDefault(RUN_SETTINGS.decay, 'cosine'),
  weightDecay: withDefault(RUN_SETTINGS.weightDecay, 0.1),
  beta2: withDefault(RUN_SETTINGS.beta2, 0.999),
  sequenceLength: integer({
    min: 1,
    default: 256,
    group: 'pretraining',
    placeholder: 'tokens',
    help: 'tokens of a sequence',
  }),
  samples: integer({
    min: 1,
    default: 4096,
    group: 'pretraining',
    placeholder: 'count',
    help: 'draws of the sampled softmax a step',
  }),
  // The rates in the base's configuration are for fine-tuning.
  dropout: rate({
    default: 0,
    group: 'pretraining',
    placeholder: 'rate',
    help: 'dropout of embeddings and residuals',
  }),
  validation: rate({
    default: 0.01,
    group: 'pretraining',
    placeholder: 'share',
    help: 'share of the sequences that the perplexity is measured on',
  }),
  // The last token's state, which a classifier reads, then sums the text up.
  neighbourLoss: nonNegative({
    default: 0,
    group: 'pretraining',
    placeholder: 'weight',
    help: 'weight of a second objective, for classifiers: a random neighbour of each token; 0: none',
  }),
  embedding: choice(['base', 'cooccurrence'], {
    default: 'base',
    group: 'pretraining',
    help: 'what token embeddings start from: the base, or counts of neighbours in the corpus',
  }),
}

/** Of `distill`; the defaults suit some hundred thousand passages. */
export const DISTILL_SETTINGS = {
  ...RUN_SETTINGS,
  epochs: withDefault(RUN_SETTINGS.epochs, 2, 'passes over the passages'),
  batchSize: withDefault(RUN_SETTINGS.batchSize, 256, 'passages a step, which are told from each other'),
  evalEvery: withDefault(
    RUN_SETTINGS.evalEvery,
    500,
    'measure the cosine and save every so many steps; 0: only at the ends of epochs, 20 of them at most',
  ),
  learningRate: withDefault(RUN_SETTINGS.learningRate, 1.5e-3),
  warmup: withDefault(RUN_SETTINGS.warmup, 0.05),
  decay: withDefault(RUN_SETTINGS.decay, 'cosine'),
  beta2: withDefault(RUN_SETTINGS.beta2, 0.98),
  maxLength: integer({
    min: 1,
    default: 128,
    group: 'texts',
    placeholder: 'tokens',
    help: 'tokens after which passages are cut',
  }),
  passages: integer({
    min: 0,
    default: 0,
    group: 'distillation',
    placeholder: 'count',
    help: 'most passages, drawn from all; 0: all',
  }),
  validation: rate({
    default: 0.01,
    group: 'distillation',
    placeholder: 'share',
    help: 'share of the passages that the cosine is measured on',
  }),
}

type Table = Readonly<Record<string, Setting<unknown>>>

/** The values of a table's settings. */
type Values<Settings extends Table> = {
  -readonly [Name in keyof Settings]: Settings[Name] extends Setting<infer Value> ? Value : never
}

export type TrainingMethod = (typeof TRAIN_SETTINGS)['method']['default']

/** Settings that every kind of training has; `graft train --help` and docs/training.md say what each one is. */
export type RunSettings = Values<typeof RUN_SETTINGS>
export type LoraSettings = Values<typeof LORA_SETTINGS>

/** Settings of `train` by their flat names, as options have them. */
export type FlatTrainSettings = Values<typeof TRAIN_SETTINGS>
export type SettingName = keyof FlatTrainSettings

/** Settings of `train`; LoRA's own are of no effect with `full`. */
export type TrainSettings = Omit<FlatTrainSettings, keyof LoraSettings> & { lora: LoraSettings }

/** Some of the settings of `train`; the rest is the base's recipe's, or the defaults'. */
export type TrainSettingsInput = Partial<Omit<TrainSettings, 'lora'>> & { lora?: Partial<LoraSettings> }

export type PretrainSettings = Values<typeof PRETRAIN_SETTINGS>
export type DistillSettings = Values<typeof DISTILL_SETTINGS>

/** What a method has other defaults for: adapters start from nothing and take larger steps than weights that are trained already. */
export const METHOD_DEFAULTS: Readonly<Record<TrainingMethod, Partial<FlatTrainSettings>>> = {
  lora: {},
  full: { learningRate: 5e-4 },
}

const defaultsOf = <Settings extends Table>(table: Settings): Values<Settings> =>
  // Each value is its own setting's default.
  Object.fromEntries(Object.entries(table).map(([name, setting]) => [name, setting.default])) as Values<Settings>

/** The defaults of `train` by their flat names. */
export const flatDefaults = (method: TrainingMethod): FlatTrainSettings => ({
  ...defaultsOf(TRAIN_SETTINGS),
  ...METHOD_DEFAULTS[method],
  method,
})

/** LoRA's own settings under `lora`, where the library and files have them. */
export function nestSettings({
  rank,
  alpha,
  scaling,
  dropout,
  targetModules,
  initialization,
  loraPlusRatio,
  basePrecision,
  ...others
}: FlatTrainSettings): TrainSettings {
  const lora = { rank, alpha, scaling, dropout, targetModules, initialization, loraPlusRatio, basePrecision }
  return { ...others, lora }
}

/** Some settings by flat names as the library takes them: LoRA's own under `lora`. */
export function nestGiven(given: Readonly<Record<string, unknown>>): TrainSettingsInput {
  const entries = Object.entries(given)
  const isLora = ([name]: [string, unknown]) => Object.hasOwn(LORA_SETTINGS, name)
  return {
    ...Object.fromEntries(entries.filter((each) => !isLora(each))),
    lora: Object.fromEntries(entries.filter(isLora)),
  }
}

/** All settings that are of use, by flat names in the table's order: LoRA's are none where all weights are trained. */
export function settingsInForce({ lora, ...others }: TrainSettings): Record<string, string | number | string[]> {
  const values: Record<string, string | number | string[]> = { ...others, ...(others.method === 'lora' && lora) }
  return Object.fromEntries(
    Object.keys(TRAIN_SETTINGS).flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]])),
  )
}

/**
 * Settings that do well on sets of some hundred to some thousand short texts, where a base brings none of its own.
 * @example
 * import { trainDefaults } from 'graft-lora/train'
 *
 * console.log(trainDefaults('lora').learningRate)
 */
export const trainDefaults = (method: TrainingMethod): TrainSettings => nestSettings(flatDefaults(method))

/**
 * Settings of `pretrain` that suit a corpus of some million words.
 * @example
 * import { pretrainDefaults } from 'graft-lora/train'
 *
 * console.log(pretrainDefaults().sequenceLength)
 */
export const pretrainDefaults = (): PretrainSettings => defaultsOf(PRETRAIN_SETTINGS)

/**
 * Settings of `distill` that suit some hundred thousand passages.
 * @example
 * import { distillDefaults } from 'graft-lora/train'
 *
 * console.log(distillDefaults().batchSize)
 */
export const distillDefaults = (): DistillSettings => defaultsOf(DISTILL_SETTINGS)
