/**
 * What a LoRA adapter reaches on a frozen base: test accuracy and macro-F1 on public sets, mean over three seeds, beside Naive
 * Bayes on the same split. There is one recipe for all sets but for the number of epochs: that which the base brings, or RECIPE.
 *
 * Usage: npm run bench:accuracy [-- --task NAME] [--base models/gpt-mini | models/minilm] [--recipe FILE] [--seed N …] [--data DIR]
 *
 * DATA is shared data beside the checkout; `npm run models:fetch` makes models/minilm, whose recipe is accuracy/minilm.json. What
 * PyTorch and PEFT reach with the same recipe on the same parts: accuracy/reference.py.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { evaluate } from '../src/core/metrics.ts'
import { type Dataset, readDataset, writeDataset } from '../src/train/dataset.ts'
import { type TrainResult, train } from '../src/train/train.ts'
import { naiveBayes } from './accuracy/naive-bayes.ts'
import { type BenchmarkSet, type GoalBase, benchmarkSets } from './accuracy/sets.ts'

interface Options {
  base: string
  data: string
  recipe: string | undefined
  seeds: number[]
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

function floor({ labels, splits }: Dataset): { accuracy: number; macroF1: number } {
  const truth = splits.test.map(({ label }) => labels.indexOf(label))
  const predicted = naiveBayes([...splits.train, ...splits.validation], splits.test)
  const oneHot = predicted.map((label) => labels.map((name) => Number(name === label)))
  return evaluate(labels, truth, oneHot)
}

async function runSet(set: BenchmarkSet, folder: string, { base, data, recipe, seeds }: Options): Promise<string[]> {
  const goal = set.goals[basename(base) as GoalBase] // asked for in main
  const dataset = await set.read(data)
  const dir = join(folder, set.name)
  await writeDataset(dir, dataset)
  const stored = await readDataset(dir)
  const results: TrainResult[] = []
  for (const seed of seeds) {
    const out = join(folder, `${set.name}-${seed}`)
    const result = await train({ base, dataset: stored, out, epochs: goal.epochs, recipe, seed })
    results.push(result)
    console.log(
      `${set.name}, seed ${seed}: test ${result.test.accuracy.toFixed(4)}, macro-F1 ${result.test.macroF1.toFixed(4)}, ` +
        `validation ${result.validation.accuracy.toFixed(4)}, ${result.seconds.toFixed(0)} s`,
    )
  }
  const { accuracy, macroF1 } = floor(dataset)
  const accuracies = results.map(({ test }) => test.accuracy)
  const f1 = mean(results.map(({ test }) => test.macroF1))
  const met = mean(accuracies) >= goal.bar && f1 >= (goal.macroF1Bar ?? 0)
  const { trainable = 0, total = 1 } = results[0]?.parameters ?? {}
  return [
    set.name,
    set.split,
    `${accuracy.toFixed(3)} (${macroF1.toFixed(3)})`,
    `${mean(accuracies).toFixed(4)} (${f1.toFixed(3)})`,
    accuracies.map((value) => value.toFixed(4)).join(' '),
    `≥ ${goal.bar}${goal.macroF1Bar === undefined ? '' : ` (≥ ${goal.macroF1Bar})`}${met ? '' : ', missed'}`,
    `${((100 * trainable) / total).toFixed(2)} %`,
    mean(results.map(({ seconds }) => seconds)).toFixed(0),
  ]
}

async function main(task: string | undefined, options: Options): Promise<void> {
  const { base, data, seeds } = options
  const sets = benchmarkSets.filter(({ name }) => task === undefined || name === task)
  const names = benchmarkSets.map(({ name }) => name).join(', ')
  const bases = Object.keys(benchmarkSets[0]?.goals ?? {})
  const problem =
    (sets.length === 0 && `--task is one of ${names}`) ||
    (!bases.includes(basename(base)) && `--base is a folder named ${bases.join(' or ')}`) ||
    (!existsSync(base) && `${base} is not there: npm run models:fetch`) ||
    (!existsSync(data) && `${data} is not there: give its place with --data`)
  if (problem) {
    console.error(problem)
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
      `seeds ${seeds.join(' ')}`,
      'bar',
      'trained',
      'seconds',
    ],
    style: { head: [] },
  })
  for (const set of sets) table.push(await runSet(set, folder, options))
  await rm(folder, { recursive: true })
  console.log(table.toString())
}

const { values } = parseArgs({
  options: {
    task: { type: 'string' },
    base: { type: 'string', default: 'models/gpt-mini' },
    recipe: { type: 'string' },
    seed: { type: 'string', multiple: true, default: ['1', '2', '3'] },
    data: { type: 'string', default: '../shared/data' },
  },
})
const { task, base, recipe, seed, data } = values
const own = basename(base) === 'minilm' ? 'bench/accuracy/minilm.json' : undefined
await main(task, { base, data, recipe: recipe ?? own, seeds: seed.map(Number) })
