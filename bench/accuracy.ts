/**
 * What a LoRA adapter reaches on a frozen base: test accuracy (macro-F1, expected calibration error) on public sets, mean over three
 * seeds, beside what models without a network reach on the same split. There is one recipe for all sets but for the number of epochs: that which the base brings, or RECIPE.
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
import { calibrationOf } from '../src/core/calibration.ts'
import { evaluate } from '../src/core/metrics.ts'
import { type Dataset, readDataset, writeDataset } from '../src/train/dataset.ts'
import { type TrainResult, train } from '../src/train/train.ts'
import { type LabelledText, logisticRegression, naiveBayes } from './accuracy/floors.ts'
import { type BenchmarkSet, type GoalBase, benchmarkSets } from './accuracy/sets.ts'

interface Options {
  base: string
  data: string
  recipe: string | undefined
  seeds: number[]
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** Accuracy, macro-F1 and expected calibration error. */
interface Figures {
  accuracy: number
  macroF1: number
  error: number
}

const show = ({ accuracy, macroF1, error }: Figures, digits = 3): string =>
  `${accuracy.toFixed(digits)} (${macroF1.toFixed(3)}, ${error.toFixed(3)})`

/** What models without a network reach, those that read the validation part as well among them. */
function floors({ labels, splits }: Dataset): Record<string, Figures> {
  const of = (part: keyof typeof splits): LabelledText[] =>
    splits[part].map(({ text, label }) => ({ text, label: labels.indexOf(String(label)) }))
  const [train, validation, test] = [of('train'), of('validation'), of('test')]
  const [texts, truth] = [test.map(({ text }) => text), test.map(({ label }) => label)]
  const figures = (probabilities: Float64Array[]): Figures => ({
    ...evaluate(labels, truth, probabilities),
    error: calibrationOf(truth, probabilities).expectedError,
  })
  return {
    'Naive Bayes': figures(naiveBayes(train, texts, labels.length)),
    'and validation part': figures(naiveBayes([...train, ...validation], texts, labels.length)),
    'TF-IDF': figures(logisticRegression(train, validation, texts, labels.length)),
  }
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
  const accuracies = results.map(({ test }) => test.accuracy)
  const f1 = mean(results.map(({ test }) => test.macroF1))
  const error = mean(results.map(({ test }) => test.calibration.expectedError))
  const met = mean(accuracies) >= goal.bar && f1 >= (goal.macroF1Bar ?? 0)
  const { trainable = 0, total = 1 } = results[0]?.parameters ?? {}
  return [
    set.name,
    set.split,
    ...Object.values(floors(dataset)).map((each) => show(each)),
    show({ accuracy: mean(accuracies), macroF1: f1, error }, 4),
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
      'Naive Bayes',
      'and validation part',
      'TF-IDF, logistic regression',
      'LoRA, mean',
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
