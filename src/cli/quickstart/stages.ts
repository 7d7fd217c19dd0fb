/** The quickstart's stages; each prints what it does and gives the next one what it made. */
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import pc from 'picocolors'
import { GraftError } from '../../core/errors.ts'
import { sizeWords } from '../../core/families.ts'
import { countNumbers } from '../../core/tensors.ts'
import { exportBundle, openBundle, verifyBundle } from '../../export/index.ts'
import { readBase } from '../../files/base-folder.ts'
import { withOutput } from '../../files/output.ts'
import { type StoredDataset, createDataset, readDataset, writeDataset } from '../../train/dataset.ts'
import type { TrainResult } from '../../train/train.ts'
import { reportChecks, runChecks } from '../doctor.ts'
import { count, percent } from '../format.ts'
import { baseFolder } from '../settings.ts'
import { showTraining } from '../training-progress.ts'
import type { Ui } from '../ui.ts'
import { ABOUT, MESSAGES, TASKS, type TaskName } from './examples.ts'

export interface Task {
  name: TaskName
  dataset: StoredDataset
}

export interface Bundles {
  merged: string
  unmerged: string
}

const SEED = 123
const MAX_LENGTH = 64

/** Replaces what an earlier quickstart left. */
const force = true

export async function checkEnvironment(ui: Ui): Promise<void> {
  if (reportChecks(ui, await runChecks(['cpu']))) return
  throw new GraftError('runtime', 'this machine lacks something that training needs', {
    hint: 'See what is missing above.',
  })
}

/** Refuses before all the work what could not be written after it. */
export async function checkOutputs(out: string): Promise<void> {
  for (const name of TASKS) {
    await withOutput(join(out, 'data', name), { kind: 'data set', force }, async () => undefined)
    await withOutput(join(out, 'adapters', name), { kind: 'model', force }, async () => undefined)
  }
  for (const dir of Object.values(bundlesOf(out)))
    await withOutput(dir, { kind: 'bundle', force }, async () => undefined)
}

const bundlesOf = (out: string): Bundles => ({ merged: join(out, 'spam-merged'), unmerged: join(out, 'all-unmerged') })

/** Makes a data set of each example file. */
export async function prepareData(ui: Ui, out: string): Promise<Task[]> {
  const tasks: Task[] = []
  for (const name of TASKS) {
    const dir = join(out, 'data', name)
    const source = fileURLToPath(new URL(`../../../examples/data/${name}.csv`, import.meta.url))
    await writeDataset(dir, await createDataset(source, { seed: SEED, maxLength: MAX_LENGTH }), { force })
    tasks.push({ name, dataset: await readDataset(dir) })
  }
  ui.table(
    ['task', 'labels', 'train', 'validation', 'test'],
    tasks.map(({ name, dataset: { labels, splits } }) => [
      name,
      labels.join(', '),
      splits.train.length,
      splits.validation.length,
      splits.test.length,
    ]),
  )
  return tasks
}

/** The folder of the base that ships with the project, and what it is. */
export async function showMiniBase(ui: Ui): Promise<string> {
  const dir = baseFolder(undefined)
  const { config, weights, info } = await readBase(dir)
  const parameters = countNumbers(weights)
  const perplexity = info?.metrics['perplexity']
  ui.line(`${dir}: ${sizeWords(config)}, ${count(parameters)} parameters`)
  if (perplexity !== undefined)
    ui.line(`Perplexity on held-out text: ${perplexity.toFixed(1)}. Its card: ${dir}/README.md`)
  return dir
}

/** Trains an adapter for each task and evaluates it on the task's test part. */
export async function trainAdapters(
  ui: Ui,
  out: string,
  base: string,
  tasks: readonly Task[],
  signal: AbortSignal,
): Promise<TrainResult[]> {
  const results: TrainResult[] = []
  for (const { name, dataset } of tasks) {
    ui.line(pc.bold(name))
    const options = { base, dataset, out: join(out, 'adapters', name), maxLength: MAX_LENGTH, seed: SEED }
    results.push(await showTraining(ui, { ...options, force, signal }))
    ui.line()
  }
  ui.table(
    ['adapter', 'test accuracy', 'macro-F1', 'parameters trained', 'seconds'],
    results.map(({ test, parameters: { trainable, total }, seconds }, at) => [
      tasks[at]?.name ?? '',
      percent(test.accuracy),
      test.macroF1.toFixed(3),
      `${count(trainable)} (${percent(trainable / total)})`,
      seconds.toFixed(1),
    ]),
  )
  ui.line(`\nLoss and accuracy curves of each run: ${join(out, 'adapters', '<task>', 'report.html')}`)
  return results
}

export async function exportBundles(
  ui: Ui,
  out: string,
  base: string,
  adapters: readonly TrainResult[],
  signal: AbortSignal,
): Promise<Bundles> {
  const bundles = bundlesOf(out)
  const sources = adapters.map((adapter) => ({ dir: adapter.out }))
  for (const mode of ['merged', 'unmerged'] as const) {
    const chosen = mode === 'merged' ? sources.slice(0, 1) : sources
    const about = {
      merged: { title: 'Is it spam?', ...ABOUT.spam },
      unmerged: {
        title: 'Spam, mood, intent',
        description: 'One small language model, three tasks: choose one, or compare them side by side.',
        adapters: new Map(Object.entries(ABOUT)),
      },
    }[mode]
    const { parity } = await exportBundle({ base, adapters: chosen, mode, dir: bundles[mode], about, force, signal })
    ui.line(
      `${bundles[mode]}: logits differ from TensorFlow.js’ by at most ${parity.maxDifference.toExponential(1)} on ${parity.probes} probes`,
    )
  }
  return bundles
}

export async function verifyBundles(ui: Ui, bundles: Bundles): Promise<void> {
  for (const dir of Object.values(bundles)) {
    const { ok, checks } = await verifyBundle(dir)
    const failed = checks.filter((check) => !check.ok)
    ui.line(`${dir}: ${checks.length - failed.length} of ${checks.length} checks passed`)
    if (ok) continue
    throw new GraftError('bundle', `${dir}: ${failed.map(({ name, detail }) => `${name}: ${detail}`).join('; ')}`, {
      hint: 'Run the quickstart again.',
      file: dir,
    })
  }
}

/** Classifies messages by the merged bundle, then by the unmerged one with the adapter that each asks for. */
export async function classifyExamples(ui: Ui, bundles: Bundles): Promise<object[]> {
  const results: object[] = []
  const rows: string[][] = []
  const merged = await openBundle(bundles.merged)
  const unmerged = await openBundle(bundles.unmerged)
  for (const { text, adapter } of MESSAGES) {
    const [result] = await (adapter === undefined ? merged.classify([text]) : unmerged.classify([text], { adapter }))
    if (!result) throw new Error('a text was not classified')
    results.push({ text, adapter, label: result.label, score: result.score })
    rows.push([adapter === undefined ? 'merged' : `unmerged, ${adapter}`, result.label, percent(result.score), text])
  }
  ui.table(['bundle', 'label', 'confidence', 'text'], rows)
  await Promise.all([merged.close(), unmerged.close()])
  return results
}

export function suggestNext(ui: Ui, out: string, { unmerged }: Bundles): void {
  ui.line(
    `Classify a text of yours:  npx --no -- graft classify --model ${unmerged} --adapter sentiment "a film that I loved"`,
  )
  ui.line(`Try it in a browser:       npx --no -- graft web ${unmerged} --out ${join(out, 'site')} --open`)
  ui.line(`Train on your own file:    npx --no -- graft data FILE.csv --out runs/data`)
  ui.line(`                           npx --no -- graft train --data runs/data --out runs/adapter`)
  ui.line(`Look at the curves:        open ${join(out, 'adapters', 'spam', 'report.html')}`)
}
