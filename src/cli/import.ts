/** `graft import`: makes a base of a model, or an adapter of a PEFT adapter, from a folder or the Hugging Face Hub. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { modelTypes } from '../core/families.ts'
import type { ImportResult } from '../files/import.ts'
import { count } from './format.ts'
import { interruptSignal } from './interrupt.ts'
import { jsonOption, list, positiveInteger } from './options.ts'
import { type Progress, type Ui, createUi } from './ui.ts'

interface Options {
  out: string
  revision?: string
  base?: string
  labels?: string[]
  maxLength?: number
  force?: boolean
  json?: boolean
}

/** The `import` command. */
export function importCommand(): Command {
  return new Command('import')
    .description('make a base of a pretrained model, or an adapter of a PEFT adapter')
    .argument(
      '<source>',
      'folder as transformers or PEFT writes it, or an id on the hub: sentence-transformers/all-MiniLM-L6-v2',
    )
    .requiredOption('--out <dir>', 'folder to write')
    .option('--revision <name>', 'branch, tag or commit on the hub (default: main)')
    .option('--base <dir>', 'base folder of an adapter')
    .option('--labels <names>', "label names in the order of their ids, with commas (default: the model's)", list)
    .option(
      '--max-length <tokens>',
      "tokens after which an adapter's texts are cut (default: as many as the base takes)",
      positiveInteger,
    )
    .option('--force', 'replace the output folder')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `\nFamilies of models, by the model_type of config.json: ${modelTypes.join(', ')}.` +
        '\nHF_TOKEN holds the token for private repositories, HF_ENDPOINT the address of another hub.',
    )
    .action(runImport)
}

async function runImport(source: string, { json, revision, ...options }: Options): Promise<void> {
  const { importModel } = await import('../files/import.ts')
  const ui = createUi({ json })
  const signal = interruptSignal()
  const { HF_TOKEN: accessToken, HF_ENDPOINT: url, XDG_CACHE_HOME: cache } = process.env
  const cacheDir = join(cache || join(homedir(), '.cache'), 'graft', 'hub')
  const hub = { revision, accessToken: accessToken || undefined, url: url || undefined, cacheDir }
  const progress = createProgress(ui)
  const result = await importModel(source, { ...options, hub, signal, onProgress: progress.update })
  progress.stop()
  printResult(ui, result)
  ui.result(result)
}

/** One display after the other, for each file that is downloaded and then for the copy. */
function createProgress(ui: Ui) {
  let label: string | undefined
  let progress: Progress | undefined
  return {
    update(what: string, done: number, total: number) {
      if (what !== label) progress = ui.progress(what, total, { unit: 'bytes' })
      label = what
      progress?.update(done)
    },
    stop: () => progress?.stop(),
  }
}

function printResult(ui: Ui, result: ImportResult): void {
  const { kind, out, source, revision, sha256, parameters, labels, trainedOn, begun } = result
  const from = revision === undefined ? source : `${source} at ${revision.slice(0, 12)}`
  const size = parameters === undefined ? '' : `, ${count(parameters)} parameters`
  ui.line(`Wrote ${out}: ${kind} of ${from}${size}`)
  if (labels) ui.line(`Labels: ${labels.join(', ')}`)
  if (begun)
    ui.line(`Not in the source: ${begun.join(', ')}. They begin at random, as in transformers, and want to be trained.`)
  if (trainedOn !== undefined)
    ui.line(`It says that it was trained on ${trainedOn}. Only its layers and shapes show that they fit this base.`)
  ui.line(`SHA-256 of the base's weights: ${sha256}`)
  if (kind === 'adapter') ui.line(`Next: graft export --adapter ${out} --mode merged --out DIR`)
  else if (labels) ui.line(`Next: graft export --base ${out} --mode merged --out DIR`)
  else ui.line(`Next: graft train --base ${out} --data DATA --out ADAPTER`)
}
