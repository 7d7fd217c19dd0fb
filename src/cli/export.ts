/** `graft export`: makes a bundle of a base and adapters, for `serve`, `web`, `classify` and any ONNX Runtime. */
import { existsSync } from 'node:fs'
import { Command, Option } from 'commander'
import type { Manifest } from '../core/bundle.ts'
import type { AdapterSource, ExportOptions } from '../export/index.ts'
import { interruptSignal } from './interrupt.ts'
import { jsonOption } from './options.ts'
import { type Ui, createUi } from './ui.ts'

interface Options {
  base?: string
  adapter: AdapterSource[]
  mode: ExportOptions['mode']
  out: string
  force?: boolean
  json?: boolean
}

/** The `export` command. */
export function exportCommand(): Command {
  return new Command('export')
    .description('make an ONNX bundle: adapters merged into the base, or beside it')
    .option('--base <dir>', 'base folder (default: the one that the adapter was trained on)')
    .option('--adapter <[name=]dir>', 'adapter folder; repeat it for several', collectAdapters, [])
    .addOption(
      new Option('--mode <mode>', 'merged: one model; unmerged: a base, and adapters chosen text by text')
        .choices(['merged', 'unmerged'])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <dir>', 'folder to write')
    .option('--force', 'replace the output folder')
    .addOption(jsonOption())
    .action(makeBundle)
}

/** `spam=models/spam-lora`; without a name the folder's own is used. A folder may have = in its path. */
function collectAdapters(text: string, others: AdapterSource[]): AdapterSource[] {
  const [, name, dir = text] = (existsSync(text) ? null : /^([^=/\\]*)=(.+)$/.exec(text)) ?? []
  return [...others, name === undefined ? { dir } : { name, dir }]
}

async function makeBundle({ base, adapter, mode, out, force, json }: Options): Promise<void> {
  const { exportBundle } = await import('../export/index.ts')
  const ui = createUi({ json })
  const signal = interruptSignal()
  const manifest = await exportBundle({ base, adapters: adapter, mode, dir: out, force, signal })
  printBundle(ui, out, manifest)
  ui.result({ out, ...manifest })
}

function printBundle(ui: Ui, out: string, manifest: Manifest): void {
  const { kind, parity, maxLength } = manifest
  ui.line(`Wrote ${out}: ${kind} bundle for texts of up to ${maxLength} tokens`)
  const tasks = kind === 'merged' ? [{ name: 'merged', labels: manifest.labels }] : manifest.adapters
  ui.line()
  ui.table(
    [kind === 'merged' ? 'model' : 'adapter', 'labels'],
    tasks.map(({ name, labels }) => [name, labels.join(', ')]),
  )
  ui.line()
  const difference = parity.maxDifference.toExponential(1)
  ui.line(`ONNX Runtime gives TF.js' logits on ${parity.probes} probes; largest difference ${difference}`)
  const choice = kind === 'merged' ? '' : ` --adapter ${tasks[0]?.name}`
  ui.line(`Next: graft classify --model ${out}${choice} "a text"`)
}
