/** `graft quickstart`: the whole job on the example data: data, base, adapters, evaluation, both exports, classification. */
import { Command } from 'commander'
import pc from 'picocolors'
import { interruptSignal } from './interrupt.ts'
import { jsonOption } from './options.ts'
import { createUi } from './ui.ts'
import type { Ui } from './ui.ts'

interface Options {
  out: string
  json?: boolean
}

/** The `quickstart` command. */
export function quickstartCommand(): Command {
  return new Command('quickstart')
    .description('do the whole job once, on the example data, in about a minute')
    .option('--out <dir>', 'folder for everything that is made', 'models/quickstart')
    .addOption(jsonOption())
    .action(quickstart)
}

async function quickstart({ out, json }: Options): Promise<void> {
  const ui = createUi({ json })
  const signal = interruptSignal()
  const started = performance.now()
  const {
    checkEnvironment,
    checkOutputs,
    prepareData,
    showMiniBase,
    trainAdapters,
    exportBundles,
    verifyBundles,
    classifyExamples,
    suggestNext,
  } = await import('./quickstart/stages.ts')
  const stage = stages(ui, signal)

  stage('Environment')
  await checkEnvironment(ui)
  await checkOutputs(out)
  stage('Data: three small sets written for this project')
  const tasks = await prepareData(ui, out)
  stage('Base: a small GPT, pretrained on English text, that ships with Graft')
  const base = await showMiniBase(ui)
  stage('LoRA: an adapter for each task on the frozen base')
  const adapters = await trainAdapters(ui, out, base, tasks, signal)
  stage('Export: spam merged into the base, and all three adapters beside it')
  const bundles = await exportBundles(ui, out, base, adapters, signal)
  stage('Verification: hashes, parts and golden logits of both bundles')
  await verifyBundles(ui, bundles)
  stage('Classification: adapters swapped between calls, one model in memory')
  const classified = await classifyExamples(ui, bundles)
  stage('What next')
  suggestNext(ui, out, bundles)
  const seconds = (performance.now() - started) / 1000
  ui.line(
    `\nDone in ${seconds.toFixed(0)} s, with at most ${(process.resourceUsage().maxRSS / 1e6).toFixed(1)} GB of memory.`,
  )
  ui.result({ out, seconds, adapters, bundles, classified })
}

/** Announces numbered stages. */
function stages(ui: Ui, signal: AbortSignal): (title: string) => void {
  let number = 0
  return (title) => {
    signal.throwIfAborted()
    ui.line(`${number === 0 ? '' : '\n'}${pc.bold(`${++number}. ${title}`)}\n`)
  }
}
