/** `graft pretrain`: trains a base as a language model on plain text. */
import { Command, Option } from 'commander'
import type { DeviceName } from '../core/devices.ts'
import type { StepProfile } from '../train/engine/profile.ts'
import { type PretrainSettings, pretrainDefaults } from '../train/settings.ts'
import { TRAINING_DEVICES, chooseDevice } from './device.ts'
import { count } from './format.ts'
import { interruptSignal } from './interrupt.ts'
import { fraction, positiveInteger, positiveNumber, wholeNumber, withRunOptions } from './options.ts'
import { printProfile } from './profile.ts'
import { createUi } from './ui.ts'

interface Options extends Omit<PretrainSettings, 'decay' | 'validation' | 'maxGradientNorm' | 'patience' | 'device'> {
  corpus: string[]
  text?: string
  base?: string
  out: string
  dtype: 'float32' | 'float16'
  device: DeviceName | 'auto'
  threads?: number
  profile?: boolean
  resume?: boolean
  force?: boolean
  json?: boolean
}

/** The `pretrain` command. */
export function pretrainCommand(): Command {
  const defaults = pretrainDefaults()
  const command = new Command('pretrain')
    .description('train all weights of a base as a language model, on plain text or on the texts of a data set')
    .requiredOption(
      '--corpus <file...>',
      'plain text; of CSV, TSV and JSON Lines files the column of texts, without labels',
    )
    .requiredOption('--out <dir>', 'base folder to write')
    .option('--base <dir>', 'base to go on from (default: random weights, as `graft init` makes them)')
    .option('--text <column>', 'column of the texts (default: text, message, … as found)')
    .addOption(
      new Option(
        '--embedding <start>',
        'what token embeddings start from: the base, or counts of neighbours in the corpus',
      )
        .choices(['base', 'cooccurrence'])
        .default(defaults.embedding),
    )
    .option('--epochs <count>', 'passes over the corpus', positiveInteger, defaults.epochs)
    .option('--batch-size <rows>', 'sequences a step', positiveInteger, defaults.batchSize)
    .option('--sequence-length <tokens>', 'tokens of a sequence', positiveInteger, defaults.sequenceLength)
    .option('--samples <count>', 'draws of the sampled softmax a step', positiveInteger, defaults.samples)
    .option(
      '--neighbour-loss <weight>',
      'weight of a second objective, for classifiers: a random neighbour of each token (default: none)',
      positiveNumber,
    )
    .option('--learning-rate <rate>', 'highest learning rate', positiveNumber, defaults.learningRate)
    .option('--dropout <rate>', 'dropout of embeddings and residuals', fraction, defaults.dropout)
    .option('--warmup <share>', 'share of all steps that warm up', fraction, defaults.warmup)
    .option('--weight-decay <rate>', 'decoupled weight decay', fraction, defaults.weightDecay)
    .option(
      '--eval-every <steps>',
      'measure perplexity and save every so many steps',
      positiveInteger,
      defaults.evalEvery,
    )
    .option('--seed <number>', 'seed of all random choices', wholeNumber, defaults.seed)
    .addOption(
      new Option('--dtype <name>', 'how the weights are stored').choices(['float32', 'float16']).default('float32'),
    )
  return withRunOptions(command).action(runPretrain)
}

async function runPretrain(options: Options): Promise<void> {
  const {
    corpus: paths,
    text,
    base: baseDir,
    out,
    dtype,
    threads,
    resume,
    force,
    json,
    device,
    profile,
    ...chosen
  } = options
  const signal = interruptSignal()
  const { readBase } = await import('../files/base-folder.ts')
  const { createBase } = await import('../train/base.ts')
  const { readCorpus } = await import('../train/corpus.ts')
  const { pretrain } = await import('../train/pretrain.ts')
  const { withRunOutput } = await import('../train/run.ts')
  const { showRun } = await import('./training-progress.ts')
  const ui = createUi({ json })
  const settings: PretrainSettings = {
    ...pretrainDefaults(),
    ...chosen,
    device: await chooseDevice(ui, device, TRAINING_DEVICES),
  }
  let measured: StepProfile | undefined
  const result = await withRunOutput({ out, resume, force }, [baseDir, ...paths], async (output) => {
    const base = baseDir === undefined ? createBase({}, chosen.seed) : await readBase(baseDir)
    const corpus = await readCorpus(paths, { text })
    if (settings.embedding === 'cooccurrence')
      ui.line('Counting neighbours, for the embeddings: a minute for some million tokens.\n')
    return showRun(ui, 'Pretraining', (show) =>
      pretrain({
        base,
        corpus,
        out: output,
        dtype,
        threads,
        resume,
        signal,
        settings,
        onStart: ({ parameters, tokens, ...plan }) => {
          ui.table(
            ['corpus', 'tokens'],
            corpus.files.map((file) => [file.name, count(file.tokens)]),
          )
          ui.line(`\n${count(parameters)} parameters, ${count(tokens)} tokens an epoch, ${plan.engine}`)
          show.onStart(plan)
        },
        onRecord: show.onRecord,
        onProfile: profile ? (result) => (measured = result) : undefined,
      }),
    )
  })
  const { bestStep, steps, perplexity, seconds } = result
  ui.line(`\nKept step ${bestStep} of ${steps}: perplexity ${perplexity.toFixed(1)}. ${seconds.toFixed(0)} s.`)
  ui.line(`Wrote ${out}; its curves: ${out}/report.html`)
  if (profile) printProfile(ui, measured)
  ui.result({ ...result, profile: measured })
}
