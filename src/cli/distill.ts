/** `graft distill`: trains a base, the student, to say of texts what another one, the teacher, says. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { DISTILL_SETTINGS } from '../train/settings.ts'
import type { StepProfile } from '../train/engine/profile.ts'
import { TRAINING_DEVICES, chooseDevice } from './device.ts'
import { count } from './format.ts'
import { interruptSignal } from './interrupt.ts'
import { type CorpusFlags, type RunFlags, withCorpusOptions, withRunOptions } from './options.ts'
import { printProfile } from './profile.ts'
import { baseFolder, givenSettings, withSettings } from './settings.ts'
import { type Progress, createUi } from './ui.ts'

/** Besides the settings. */
interface Options extends CorpusFlags, RunFlags {
  teacher: string
  base?: string
}

/** The `distill` command. */
export function distillCommand(): Command {
  const command = new Command('distill')
    .description('train all weights of a base, the student, to say of texts what a teacher says: needs no labels')
    .requiredOption(
      '--teacher <dir>',
      'base folder of any family, as `graft import` writes it: an encoder of sentences',
    )
    .option('--base <dir>', 'the student (default: the small base that ships with Graft)')
  return withRunOptions(withSettings(withCorpusOptions(command), DISTILL_SETTINGS)).action(runDistill)
}

async function runDistill(options: Options): Promise<void> {
  const { teacher, corpus: paths, text, out, dtype, threads, resume, force, json, profile } = options
  const signal = interruptSignal()
  const { readDocuments } = await import('../train/corpus.ts')
  const { distill } = await import('../train/distill.ts')
  const { readBase } = await import('../files/base-folder.ts')
  const { readTokenizer } = await import('../files/tokenizer-files.ts')
  const { withRunOutput } = await import('../train/run.ts')
  const { resolveDistillSettings } = await import('../train/settings/resolve.ts')
  const { showRun } = await import('./training-progress.ts')
  const ui = createUi({ json })
  const settings = resolveDistillSettings(givenSettings(DISTILL_SETTINGS, options))
  const device = await chooseDevice(ui, options.device, TRAINING_DEVICES)
  const dir = baseFolder(options.base)
  const cacheDir = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'graft')
  let measured: StepProfile | undefined
  const result = await withRunOutput({ out, resume, force }, [dir, teacher, ...paths], async (output) => {
    const base = await readBase(dir)
    const tokenizer = await readTokenizer(dir, base.config)
    const documents = await readDocuments(paths, { text })
    let reading: Progress | undefined
    return showRun(ui, 'Distilling', (show) =>
      distill({
        base: { ...base, tokenizer },
        teacher,
        documents,
        cacheDir,
        out: output,
        dtype,
        threads,
        resume,
        signal,
        ...settings,
        device,
        onTeacher: (done, total) => {
          reading ??= ui.progress('The teacher reads', total, { unit: 'passages' })
          reading.update(done, '')
        },
        onStart: ({ parameters, passages, tokens, ...plan }) => {
          reading?.stop()
          ui.line(
            `${count(parameters)} parameters, ${count(passages)} passages of ${count(tokens)} tokens an epoch, ${plan.engine}`,
          )
          show.onStart(plan)
        },
        onRecord: show.onRecord,
        onProfile: profile ? (result) => (measured = result) : undefined,
      }).finally(() => reading?.stop()),
    )
  })
  const { bestStep, steps, cosine, seconds } = result
  ui.line(`\nKept step ${bestStep} of ${steps}: cosine to the teacher ${cosine.toFixed(3)}. ${seconds.toFixed(0)} s.`)
  ui.line(`Wrote ${out}; its curves: ${out}/report.html`)
  ui.line(`\nNext: graft train --base ${out} --data DIR --out DIR`)
  if (profile) printProfile(ui, measured)
  ui.result({ ...result, profile: measured })
}
