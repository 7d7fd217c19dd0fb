/**
 * What a LoRA adapter reaches on the frozen mini base: test accuracy and macro-F1 on public sets, mean over three seeds,
 * beside Naive Bayes on the same split. The recipe is the base's own, but for the number of epochs.
 *
 * Usage: npm run bench:accuracy [-- --task NAME] [--base DIR] [--data DIR]; DATA is shared data beside the checkout.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { evaluate } from '../src/core/metrics.ts'
import { type Dataset, readDataset, writeDataset } from '../src/train/dataset.ts'
import { type TrainResult, train } from '../src/train/train.ts'
import { naiveBayes } from './accuracy/naive-bayes.ts'
import { type BenchmarkSet, benchmarkSets } from './accuracy/sets.ts'

const SEEDS = [1, 2, 3]

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

function floor({ labels, splits }: Dataset): { accuracy: number; macroF1: number } {
  const truth = splits.test.map(({ label }) => labels.indexOf(label))
  const predicted = naiveBayes([...splits.train, ...splits.validation], splits.test)
  const oneHot = predicted.map((label) => labels.map((name) => Number(name === label)))
  return evaluate(labels, truth, oneHot)
}

async function runSet(base: string, set: BenchmarkSet, data: string, folder: string): Promise<string[]> {
  const dataset = await set.read(data)
  const dir = join(folder, set.name)
  await writeDataset(dir, dataset)
  const stored = await readDataset(dir)
  const results: TrainResult[] = []
  for (const seed of SEEDS) {
    const out = join(folder, `${set.name}-${seed}`)
    const result = await train({ base, dataset: stored, out, epochs: set.epochs, seed })
    results.push(result)
    console.log(
      `${set.name}, seed ${seed}: test ${result.test.accuracy.toFixed(4)}, macro-F1 ${result.test.macroF1.toFixed(4)}, ` +
        `validation ${result.validation.accuracy.toFixed(4)}, ${result.seconds.toFixed(0)} s`,
    )
  }
  const { accuracy, macroF1 } = floor(dataset)
  const accuracies = results.map(({ test }) => test.accuracy)
  const f1 = mean(results.map(({ test }) => test.macroF1))
  const met = mean(accuracies) >= set.bar && f1 >= (set.macroF1Bar ?? 0)
  const { trainable = 0, total = 1 } = results[0]?.parameters ?? {}
  return [
    set.name,
    set.split,
    `${accuracy.toFixed(3)} (${macroF1.toFixed(3)})`,
    `${mean(accuracies).toFixed(4)} (${f1.toFixed(3)})`,
    accuracies.map((value) => value.toFixed(4)).join(' '),
    `≥ ${set.bar}${set.macroF1Bar === undefined ? '' : ` (≥ ${set.macroF1Bar})`}${met ? '' : ', missed'}`,
    `${((100 * trainable) / total).toFixed(2)} %`,
    mean(results.map(({ seconds }) => seconds)).toFixed(0),
  ]
}

async function main(base: string, data: string, task: string | undefined): Promise<void> {
  const sets = benchmarkSets.filter(({ name }) => task === undefined || name === task)
  if (sets.length === 0 || !existsSync(data)) {
    const names = benchmarkSets.map(({ name }) => name).join(', ')
    console.error(sets.length === 0 ? `--task is one of ${names}` : `${data} is not there: give its place with --data`)
    process.exitCode = 1
    return
  }
  const folder = await mkdtemp(join(tmpdir(), 'graft-accuracy-'))
  const table = new Table({
    head: [
      'set',
      'split',
      'Naive Bayes (macro-F1)',
      'LoRA, mean (macro-F1)',
      'seeds 1 2 3',
      'bar',
      'trained',
      'seconds',
    ],
    style: { head: [] },
  })
  for (const set of sets) table.push(await runSet(base, set, data, folder))
  await rm(folder, { recursive: true })
  console.log(table.toString())
}

const { values } = parseArgs({
  options: {
    task: { type: 'string' },
    base: { type: 'string', default: 'models/gpt-mini' },
    data: { type: 'string', default: '../shared/data' },
  },
})
await main(values.base, values.data, values.task)
