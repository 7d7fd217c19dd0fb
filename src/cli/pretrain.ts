/** `graft pretrain`: trains a base as a language model on plain text. */
import { Command } from 'commander'
import { GraftError } from '../core/errors.ts'
import type { Base } from '../files/base-folder.ts'
import type { StepProfile } from '../train/engine/profile.ts'
import { PRETRAIN_SETTINGS } from '../train/settings.ts'
import { TRAINING_DEVICES, chooseDevice } from './device.ts'
import { count } from './format.ts'
import { interruptSignal } from './interrupt.ts'
import { type CorpusFlags, type RunFlags, withCorpusOptions, withRunOptions } from './options.ts'
import { printProfile } from './profile.ts'
import { givenSettings, withSettings } from './settings.ts'
import { createUi } from './ui.ts'

/** Besides the settings. */
interface Options extends CorpusFlags, RunFlags {
  base?: string
}

/** The `pretrain` command. */
export function pretrainCommand(): Command {
  const command = new Command('pretrain')
    .description('train all weights of a base as a language model, on plain text or on the texts of a data set')
    .option('--base <dir>', 'base to go on from (default: random weights, as `graft init` makes them)')
  return withRunOptions(withSettings(withCorpusOptions(command), PRETRAIN_SETTINGS)).action(runPretrain)
}

/** A base whose tokenizer is the one that the corpus is read by. */
async function readPretrainable(dir: string): Promise<Base> {
  const { readBase } = await import('../files/base-folder.ts')
  const { readTokenizer } = await import('../files/tokenizer-files.ts')
  const base = await readBase(dir)
  if ((await readTokenizer(dir, base.config)) === 'gpt2') return base
  throw new GraftError('config', `${dir} has a tokenizer of its own, and pretraining reads texts by GPT-2's`, {
    hint: 'Train an adapter on it with `graft train`, or pretrain a base of `graft init`.',
    file: dir,
  })
}

async function runPretrain(options: Options): Promise<void> {
  const { corpus: paths, text, base: baseDir, out, dtype, threads, resume, force, json, profile } = options
  const signal = interruptSignal()
  const { createBase } = await import('../train/base.ts')
  const { readCorpus } = await import('../train/corpus.ts')
  const { pretrain } = await import('../train/pretrain.ts')
  const { withRunOutput } = await import('../train/run.ts')
  const { showRun } = await import('./training-progress.ts')
  const ui = createUi({ json })
  const { resolvePretrainSettings } = await import('../train/settings/resolve.ts')
  const settings = resolvePretrainSettings(givenSettings(PRETRAIN_SETTINGS, options))
  const device = await chooseDevice(ui, options.device, TRAINING_DEVICES)
  let measured: StepProfile | undefined
  const result = await withRunOutput({ out, resume, force }, [baseDir, ...paths], async (output) => {
    const base = baseDir === undefined ? createBase({}, settings.seed) : await readPretrainable(baseDir)
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
        ...settings,
        device,
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
