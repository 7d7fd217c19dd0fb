/** `graft sweep`: trains over a grid of settings, each run in a process of its own, and compares the results. */
import { join } from 'node:path'
import { Command } from 'commander'
import { type TrainingMethod, trainDefaults } from '../train/settings.ts'
import type { SweepGroup, SweepOptions, SweepResult } from '../train/sweep.ts'
import { count, percent } from './format.ts'
import { interruptSignal } from './interrupt.ts'
import { eachOf, jsonOption, parseTargets, positiveInteger, positiveNumber, someOf, wholeNumber } from './options.ts'
import { createUi } from './ui.ts'
import type { Ui } from './ui.ts'

interface Options {
  base: string
  data: string
  out: string
  method: TrainingMethod[]
  rank: number[]
  alpha: number[]
  learningRate?: number[]
  targetModules: string[]
  seed: number[]
  epochs: number
  batchSize: number
  maxLength: number
  maxRuns: number
  resume?: boolean
  force?: boolean
  json?: boolean
}

const PICTURE = 'accuracy.svg'

/** The `sweep` command. */
export function sweepCommand(): Command {
  const defaults = trainDefaults('lora')
  return new Command('sweep')
    .description('train over a grid of settings and compare: LoRA of several ranks, all weights, several seeds')
    .requiredOption('--base <dir>', 'base folder: config.json and model.safetensors')
    .requiredOption('--data <dir>', 'data set folder, as `graft data` writes it')
    .requiredOption('--out <dir>', 'folder of the results and the runs')
    .option('--method <names>', 'lora, full, or both with a comma', someOf<TrainingMethod>(['lora', 'full']), ['lora'])
    .option('--rank <numbers>', 'ranks, with commas', eachOf(positiveInteger), [defaults.lora.rank])
    .option('--alpha <numbers>', 'scales, with commas', eachOf(positiveNumber), [defaults.lora.alpha])
    .option('--learning-rate <numbers>', 'rates, with commas (default: the method’s own)', eachOf(positiveNumber))
    .option('--target-modules <names...>', 'choices of layers, with spaces between them', ['all-linear'])
    .option('--seed <numbers>', 'seeds, with commas', eachOf(wholeNumber), [1, 2, 3])
    .option('--epochs <count>', 'passes over the training part', positiveInteger, defaults.epochs)
    .option('--batch-size <rows>', 'texts a step', positiveInteger, defaults.batchSize)
    .option('--max-length <tokens>', 'tokens after which texts are cut', positiveInteger, defaults.maxLength)
    .option('--max-runs <count>', 'refuse a grid of more runs', positiveInteger, 50)
    .option('--resume', 'go on with an earlier sweep in the same folder')
    .option('--force', 'forget an earlier sweep in the same folder')
    .addOption(jsonOption())
    .action(runSweep)
}

async function runSweep(options: Options): Promise<void> {
  const signal = interruptSignal()
  const { readBase } = await import('../files/base-folder.ts')
  const { readDataset } = await import('../train/dataset.ts')
  const { groupSeeds, sweep } = await import('../train/sweep.ts')
  const { renderSweep } = await import('../train/report/sweep.ts')
  const { trainInChild } = await import('./sweep/child.ts')
  const ui = createUi(options)
  const { base: baseDir, data, out } = options
  const { epochs, batchSize, maxLength, maxRuns, resume, force } = options
  const sweepOptions: SweepOptions = {
    baseSha256: (await readBase(baseDir)).sha256,
    dataSha256: (await readDataset(data)).sha256,
    grid: {
      methods: options.method,
      ranks: options.rank,
      alphas: options.alpha,
      targetModules: options.targetModules.map(parseTargets),
      learningRates: options.learningRate,
      seeds: options.seed,
    },
    settings: { epochs, batchSize, maxLength },
    out,
    inputs: [baseDir, data],
    maxRuns,
    resume,
    force,
    signal,
    run: (settings, folder) => trainInChild({ base: baseDir, data, settings, out: folder, signal }),
    report: (results) => ({ [PICTURE]: renderSweep(groupSeeds(results), `Test accuracy, ${data}`) }),
    onResult: (result, done, total) => ui.line(`${done} of ${total}: ${describeResult(result)}`),
  }
  const results = await sweep(sweepOptions)
  const groups = groupSeeds(results)
  printGroups(ui, groups)
  ui.line(`\nWrote ${join(out, 'results.jsonl')} and ${join(out, PICTURE)}`)
  ui.result({ out, results })
}

const describeResult = ({ method, rank, learningRate, seed, test, seconds }: SweepResult): string =>
  `${method === 'full' ? 'all weights' : `r ${rank}`}, rate ${learningRate}, seed ${seed}: ` +
  `test accuracy ${percent(test.accuracy)}, ${seconds.toFixed(0)} s`

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

const size = (bytes: number) => (bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} KB` : `${(bytes / 1e6).toFixed(0)} MB`)

function printGroups(ui: Ui, groups: readonly SweepGroup[]): void {
  const head = [
    'method',
    'rank',
    'alpha',
    'targets',
    'rate',
    'trained',
    'share',
    'test accuracy',
    'from – to',
    'macro-F1',
  ]
  ui.line()
  ui.table(
    [...head, 'seconds', 'memory', 'file'],
    groups.map(({ method, rank, alpha, targetModules, learningRate, results }) => {
      const of = (value: (result: SweepResult) => number) => results.map(value)
      const accuracies = of(({ test }) => test.accuracy)
      const { trainable = 0, total = 1 } = results[0]?.parameters ?? {}
      const isLora = method === 'lora'
      return [
        method,
        isLora ? rank : '',
        isLora ? alpha : '',
        isLora ? [targetModules].flat().join(' ') : '',
        String(learningRate),
        count(trainable),
        `${((100 * trainable) / total).toFixed(2)} %`,
        percent(mean(accuracies)),
        `${percent(Math.min(...accuracies))} – ${percent(Math.max(...accuracies))}`,
        mean(of(({ test }) => test.macroF1)).toFixed(3),
        mean(of(({ seconds }) => seconds)).toFixed(0),
        size(Math.max(...of(({ memoryBytes }) => memoryBytes))),
        size(Math.max(...of(({ fileBytes }) => fileBytes))),
      ]
    }),
  )
}
