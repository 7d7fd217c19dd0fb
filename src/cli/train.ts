/** `graft train`: trains a LoRA adapter, or all weights, on a data set. */
import { Command, Option } from 'commander'
import type { DeviceName } from '../core/devices.ts'
import type { StepProfile } from '../train/engine/profile.ts'
import { LEARNING_RATES, type TrainSettings, trainDefaults } from '../train/settings.ts'
import type { TrainResult } from '../train/train.ts'
import { printDropped } from './data/dropped.ts'
import { TRAINING_DEVICES, chooseDevice } from './device.ts'
import { percent } from './format.ts'
import { interruptSignal } from './interrupt.ts'
import { fraction, parseTargets, positiveInteger, positiveNumber, wholeNumber, withRunOptions } from './options.ts'
import { printProfile } from './profile.ts'
import type { Ui } from './ui.ts'
import { createUi } from './ui.ts'

interface Options {
  base: string
  data: string
  out: string
  method: TrainSettings['method']
  device: DeviceName | 'auto'
  rank: number
  alpha: number
  dropout: number
  scaling: TrainSettings['lora']['scaling']
  targetModules: string
  initialization: TrainSettings['lora']['initialization']
  learningRate: number
  epochs: number
  batchSize: number
  warmup: number
  weightDecay: number
  maxGradientNorm: number
  tokenDropout: number
  maxLength: number
  evalEvery?: number
  patience?: number
  seed: number
  threads?: number
  profile?: boolean
  resume?: boolean
  force?: boolean
  json?: boolean
}

/** The `train` command. */
export function trainCommand(): Command {
  const defaults = trainDefaults('lora')
  const command = new Command('train')
    .description('train a LoRA adapter on a frozen base, or all weights of the base')
    .requiredOption('--base <dir>', 'base folder: config.json and model.safetensors')
    .requiredOption(
      '--data <dir>',
      'data set folder, as `graft data` writes it, or one of train, validation and test files',
    )
    .requiredOption('--out <dir>', 'folder to write: an adapter (lora) or a base (full)')
    .addOption(new Option('--method <name>', 'what to train').choices(['lora', 'full']).default('lora'))
    .option('--rank <r>', 'rank of the adapters', positiveInteger, defaults.lora.rank)
    .option('--alpha <number>', 'scale of the adapters', positiveNumber, defaults.lora.alpha)
    .option('--dropout <rate>', 'dropout before the adapters', fraction, defaults.lora.dropout)
    .addOption(
      new Option('--scaling <mode>', 'factor of A·B: alpha/r, alpha/√r, or alpha itself')
        .choices(['peft', 'rslora', 'alpha'])
        .default('peft'),
    )
    .option('--target-modules <names>', 'all-linear, layer names with commas, or a regular expression', 'all-linear')
    .addOption(
      new Option('--initialization <name>', 'of A: N(0, 0.01²), or as PEFT')
        .choices(['normal', 'kaiming'])
        .default('normal'),
    )
    .option(
      '--learning-rate <rate>',
      `highest learning rate (default: ${LEARNING_RATES.lora} for lora, ${LEARNING_RATES.full} for full)`,
      positiveNumber,
    )
    .option('--epochs <count>', 'passes over the training part', positiveInteger, defaults.epochs)
    .option('--batch-size <rows>', 'texts a step', positiveInteger, defaults.batchSize)
    .option('--warmup <share>', 'share of all steps that warm up', fraction, defaults.warmup)
    .option('--weight-decay <rate>', 'decoupled weight decay', fraction, defaults.weightDecay)
    .option(
      '--max-gradient-norm <norm>',
      'longer gradients are clipped to this',
      positiveNumber,
      defaults.maxGradientNorm,
    )
    .option(
      '--token-dropout <share>',
      'share of the tokens left out of a text, other ones each time',
      fraction,
      defaults.tokenDropout,
    )
    .option('--max-length <tokens>', 'tokens after which texts are cut', positiveInteger, defaults.maxLength)
    .option('--eval-every <steps>', 'evaluate every so many steps too, not just after each epoch', positiveInteger)
    .option('--patience <count>', 'stop after so many evaluations without improvement', positiveInteger)
    .option('--seed <number>', 'seed of all random choices', wholeNumber, defaults.seed)
  return withRunOptions(command).action(runTrain)
}

async function runTrain({
  base,
  data,
  out,
  resume,
  force,
  threads,
  profile: wantsProfile,
  json,
  ...options
}: Options): Promise<void> {
  const signal = interruptSignal()
  const { readDataset } = await import('../train/dataset.ts')
  const { showTraining } = await import('./training-progress.ts')
  const ui = createUi({ json })
  const dataset = await readDataset(data)
  if (dataset.isPublished) printDropped(ui, dataset.summary)
  const settings = toSettings({ ...options, device: await chooseDevice(ui, options.device, TRAINING_DEVICES) })
  let profile: StepProfile | undefined
  const onProfile = wantsProfile ? (measured?: StepProfile) => (profile = measured) : undefined
  const result = await showTraining(ui, { base, dataset, out, resume, force, threads, signal, settings, onProfile })
  printResult(ui, result)
  if (wantsProfile) printProfile(ui, profile)
  ui.result({ ...result, memoryBytes: 1024 * process.resourceUsage().maxRSS, profile })
}

function toSettings(
  options: Omit<Options, 'base' | 'data' | 'out' | 'device'> & { device: DeviceName },
): TrainSettings {
  const { rank, alpha, dropout, scaling, targetModules, initialization, learningRate, ...others } = options
  return {
    ...trainDefaults(options.method),
    ...others,
    learningRate: learningRate ?? LEARNING_RATES[options.method],
    lora: { rank, alpha, dropout, scaling, initialization, targetModules: parseTargets(targetModules) },
  }
}

function printResult(ui: Ui, { out, bestStep, steps, validation, test, seconds }: TrainResult): void {
  ui.line(`\nKept step ${bestStep} of ${steps}, the best on the validation part. ${seconds.toFixed(1)} s.`)
  ui.table(
    ['', 'accuracy', 'macro-F1', 'loss'],
    [
      ['validation', percent(validation.accuracy), validation.macroF1.toFixed(3), validation.loss.toFixed(4)],
      ['test', percent(test.accuracy), test.macroF1.toFixed(3), test.loss.toFixed(4)],
    ],
  )
  ui.line(`\nWrote ${out}; its curves: ${out}/report.html`)
}
