/** `graft train`: trains a LoRA adapter, or all weights, on a data set. */
import { Command } from 'commander'
import type { ProblemType } from '../core/task.ts'
import type { StepProfile } from '../train/engine/profile.ts'
import { TRAIN_SETTINGS, nestGiven } from '../train/settings.ts'
import type { PartResult } from '../train/measure.ts'
import type { TrainResult } from '../train/train.ts'
import { printDropped } from './data/dropped.ts'
import { TRAINING_DEVICES, chooseDevice } from './device.ts'
import { percent } from './format.ts'
import { interruptSignal } from './interrupt.ts'
import { type RunFlags, withRunOptions } from './options.ts'
import { printProfile } from './profile.ts'
import { baseFolder, givenSettings, withBaseOptions, withSettings } from './settings.ts'
import type { Ui } from './ui.ts'
import { createUi } from './ui.ts'

/** Besides the settings. */
interface Options extends RunFlags {
  base?: string
  data: string
  out: string
  recipe?: string
}

/** The `train` command. */
export function trainCommand(): Command {
  const command = new Command('train').description('train a LoRA adapter on a frozen base, or all weights of the base')
  withBaseOptions(command).requiredOption('--out <dir>', 'folder to write: an adapter (lora) or a base (full)')
  return withRunOptions(withSettings(command, TRAIN_SETTINGS)).action(runTrain)
}

async function runTrain(options: Options): Promise<void> {
  const { data, out, recipe, resume, force, threads, json } = options
  const given = nestGiven(givenSettings(TRAIN_SETTINGS, options))
  const signal = interruptSignal()
  const { readDataset } = await import('../train/dataset.ts')
  const { withRunOutput } = await import('../train/run.ts')
  const { recipeFile } = await import('../train/settings/resolve.ts')
  const { describeKept, showTraining } = await import('./training-progress.ts')
  const ui = createUi({ json })
  const base = baseFolder(options.base)
  const device = await chooseDevice(ui, options.device, TRAINING_DEVICES)
  let profile: StepProfile | undefined
  const onProfile = options.profile ? (measured?: StepProfile) => (profile = measured) : undefined
  const result = await withRunOutput({ out, resume, force }, [base, data, recipeFile(recipe)], async (output) => {
    const dataset = await readDataset(data)
    if (dataset.isPublished) printDropped(ui, dataset.summary)
    const run = { base, dataset, out: output, recipe, resume, threads, signal, onProfile }
    return showTraining<ProblemType>(ui, { ...run, ...given, device })
  })
  printResult(ui, result, describeKept(result))
  if (options.profile) printProfile(ui, profile)
  ui.result({ ...result, memoryBytes: 1024 * process.resourceUsage().maxRSS, profile })
}

function printResult(ui: Ui, result: TrainResult<ProblemType>, kept: string): void {
  const { out, temperature, validation, test, seconds } = result
  ui.line(`\n${kept} ${seconds.toFixed(1)} s.`)
  const parts = Object.entries({ validation, test })
  const heads = parts
    .flatMap(([, part]) => Object.keys(figuresOf(part)))
    .filter((head, at, all) => all.indexOf(head) === at)
  ui.table(
    ['', ...heads],
    parts.map(([name, part]) => [name, ...Object.values(figuresOf(part))]),
  )
  if (test.problemType !== 'regression') printCalibration(ui, temperature)
  ui.line(`\nWrote ${out}; its curves: ${out}/report.html`)
}

/** What is told of a part, by the kind of task. */
function figuresOf(part: PartResult<ProblemType>): Record<string, string> {
  if (part.problemType === 'regression') {
    const { pearson, spearman, r2, meanAbsoluteError, loss } = part
    const [correlation, rank, explained] = [pearson, spearman, r2].map((value) => value.toFixed(3))
    const error = meanAbsoluteError.toPrecision(3)
    return { Pearson: correlation!, Spearman: rank!, 'R²': explained!, 'mean error': error, loss: loss.toFixed(4) } // three of each
  }
  const { accuracy, macroF1, loss, calibration, uncalibrated } = part
  return {
    ...(part.problemType === 'multi_label_classification'
      ? { 'micro-F1': part.microF1.toFixed(3), 'all labels right': percent(accuracy) }
      : { accuracy: percent(accuracy) }),
    'macro-F1': macroF1.toFixed(3),
    loss: loss.toFixed(4),
    confidence: percent(calibration.confidence),
    'calibration error': calibration.expectedError.toFixed(3),
    before: uncalibrated.calibration.expectedError.toFixed(3),
  }
}

function printCalibration(ui: Ui, temperature: number): void {
  ui.line(
    temperature === 1
      ? 'The validation part gave no reason to scale the confidence.'
      : `The confidence was scaled by a temperature of ${temperature.toFixed(2)}, fitted on the validation part.`,
  )
}
