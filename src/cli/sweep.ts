/** `graft sweep`: trains over a grid of settings, each run in a process of its own, and compares the results. */
import { join } from 'node:path'
import { Command } from 'commander'
import type { DeviceName } from '../core/devices.ts'
import { GraftError } from '../core/errors.ts'
import { TRAIN_SETTINGS } from '../train/settings.ts'
import { settingWords, valueWords } from '../train/settings/words.ts'
import type { FinishedSweepRun, SweepGroup, SweepResult } from '../train/sweep.ts'
import { TRAINING_DEVICES, chooseDevice, deviceOption } from './device.ts'
import { count, percent } from './format.ts'
import { interruptSignal } from './interrupt.ts'
import { jsonOption, positiveInteger } from './options.ts'
import { GRID_DEFAULTS, baseFolder, givenSettings, withBaseOptions, withGridSettings } from './settings.ts'
import { createUi } from './ui.ts'
import type { Ui } from './ui.ts'

/** Besides the settings, of which each may have several values. */
interface Options extends Readonly<Record<string, unknown>> {
  base?: string
  data: string
  out: string
  recipe?: string
  device: DeviceName | 'auto'
  threads?: number
  maxRuns: number
  resume?: boolean
  force?: boolean
  json?: boolean
}

const PICTURE = 'accuracy.svg'

/** The `sweep` command. */
export function sweepCommand(): Command {
  const command = new Command('sweep').description(
    'train over a grid of settings and compare: give any of them several values',
  )
  withBaseOptions(command)
    .requiredOption('--out <dir>', 'folder of the results and the runs')
    .option('--max-runs <count>', 'refuse a grid of more runs', positiveInteger, 50)
    .addOption(deviceOption(TRAINING_DEVICES, 'auto'))
    .option('--threads <count>', 'threads of ONNX Runtime (default: all cores)', positiveInteger)
    .option('--resume', 'go on with an earlier sweep in the same folder')
    .option('--force', 'forget an earlier sweep in the same folder')
    .addOption(jsonOption())
  return withGridSettings(command).action(runSweep)
}

async function runSweep(options: Options): Promise<void> {
  const signal = interruptSignal()
  const { readBase } = await import('../files/base-folder.ts')
  const { readDataset } = await import('../train/dataset.ts')
  const { identityOf } = await import('../train/identity.ts')
  const { groupSeeds, gridSettings, sweep, tellingSettings } = await import('../train/sweep.ts')
  const { recipeFile } = await import('../train/settings/resolve.ts')
  const { renderSweep } = await import('../train/report/sweep.ts')
  const { trainInChild } = await import('./sweep/child.ts')
  const { checkTargets } = await import('./sweep/targets.ts')
  const ui = createUi(options)
  const { data, out, recipe, maxRuns, resume, force, threads } = options
  const { weights: _, ...base } = await readBase(baseFolder(options.base))
  const dataset = await readDataset(data)
  if (dataset.problemType === 'regression') throw noNumbers(data)
  const device = await chooseDevice(ui, options.device, TRAINING_DEVICES)
  const grid = { ...GRID_DEFAULTS, ...givenSettings(TRAIN_SETTINGS, options), device: [device] }
  const runs = await gridSettings(grid, { base, recipe })
  for (const settings of runs) await checkTargets(base.config, settings)
  const results = await sweep({
    identity: await identityOf(base, dataset),
    runs,
    out,
    inputs: [base.dir, data, recipeFile(recipe)],
    maxRuns,
    resume,
    force,
    signal,
    run: (settings, folder) => trainInChild({ base: base.dir, data, settings, threads, out: folder, signal }),
    report: (results) => ({ [PICTURE]: renderSweep(groupSeeds(results), `Test accuracy, ${data}`) }),
    onResult: (result, done, total) => ui.line(`${done} of ${total}: ${describeResult(result)}`),
  }).catch((error: unknown) => {
    throw interruptedSweep(error)
  })
  const groups = groupSeeds(results)
  printGroups(ui, groups, tellingSettings(groups))
  ui.line(`\nWrote ${join(out, 'results.jsonl')} and ${join(out, PICTURE)}`)
  ui.result({ out, results })
}

const noNumbers = (data: string) =>
  new GraftError('usage', `${data} is a data set of numbers, and a sweep compares accuracies`, {
    hint: 'Train with each setting: `graft train`.',
    file: data,
  })

const interruptedSweep = (error: unknown): unknown =>
  error instanceof GraftError && error.code === 'interrupted'
    ? new GraftError('interrupted', error.message, {
        hint: 'Go on with --resume: what is finished is kept, and the run that was stopped goes on.',
        value: error.value,
        cause: error,
      })
    : error

function describeResult(result: SweepResult): string {
  const { method, rank, learningRate, seed } = result.settings
  const name = `${method === 'full' ? 'all weights' : `r ${String(rank)}`}, rate ${String(learningRate)}, seed ${String(seed)}`
  return result.status === 'diverged'
    ? `${name}: diverged, ${result.message}`
    : `${name}: test accuracy ${percent(result.test.accuracy)}, ${result.seconds.toFixed(0)} s`
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

const size = (bytes: number) => (bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} KB` : `${(bytes / 1e6).toFixed(0)} MB`)

const FIGURES = ['trained', 'share', 'test accuracy', 'from – to', 'macro-F1', 'seconds', 'memory', 'file']

function figuresOf({ finished, diverged }: SweepGroup): string[] {
  if (finished.length === 0) return ['', '', `diverged (${diverged})`, '', '', '', '', '']
  const of = (value: (result: FinishedSweepRun) => number) => finished.map(value)
  const accuracies = of(({ test }) => test.accuracy)
  const { trainable = 0, total = 1 } = finished[0]?.parameters ?? {}
  return [
    count(trainable),
    `${((100 * trainable) / total).toFixed(2)} %`,
    `${percent(mean(accuracies))}${diverged > 0 ? ` (${diverged} diverged)` : ''}`,
    `${percent(Math.min(...accuracies))} – ${percent(Math.max(...accuracies))}`,
    mean(of(({ test }) => test.macroF1)).toFixed(3),
    mean(of(({ seconds }) => seconds)).toFixed(0),
    size(Math.max(...of(({ memoryBytes = 0 }) => memoryBytes))),
    size(Math.max(...of(({ fileBytes = 0 }) => fileBytes))),
  ]
}

function printGroups(ui: Ui, groups: readonly SweepGroup[], names: readonly string[]): void {
  ui.line()
  ui.table(
    [...names.map(settingWords), ...FIGURES],
    groups.map((group) => [
      ...names.map((name) => String(valueWords(group.settings[name] ?? ''))),
      ...figuresOf(group),
    ]),
  )
}
