/** `graft export`: makes a bundle of a base and adapters, for `serve`, `web`, `classify` and any ONNX Runtime. */
import { existsSync } from 'node:fs'
import { Command, Option } from 'commander'
import type { Manifest } from '../core/bundle.ts'
import type { AdapterSource, BundleAbout, ExportOptions, TaskAbout } from '../export/index.ts'
import { interruptSignal } from './interrupt.ts'
import { jsonOption } from './options.ts'
import { type Ui, createUi } from './ui.ts'

interface Options {
  base?: string
  adapter: AdapterSource[]
  mode: ExportOptions['mode']
  out: string
  title?: string
  description: NamedText[]
  example: NamedText[]
  force?: boolean
  json?: boolean
}

/** A text, and the adapter that it is about; without one, about the whole bundle. */
interface NamedText {
  name: string | undefined
  text: string
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
    .option('--title <text>', 'heading of the page that `graft web` makes')
    .option(
      '--description <[name=]text>',
      'one line on what it does, or on what an adapter tells apart',
      collectTexts,
      [],
    )
    .option('--example <[name=]text>', 'text to try it with, on the page; repeat it for several', collectTexts, [])
    .option('--force', 'replace the output folder')
    .addOption(jsonOption())
    .action(makeBundle)
}

/** `spam=models/spam-lora`; without a name the folder's own is used. A folder may have = in its path. */
function collectAdapters(text: string, others: AdapterSource[]): AdapterSource[] {
  const [, name, dir = text] = (existsSync(text) ? null : /^([^=/\\]*)=(.+)$/.exec(text)) ?? []
  return [...others, name === undefined ? { dir } : { name, dir }]
}

/** `spam=Is it an advertisement?`; without a name it is about the whole. */
function collectTexts(text: string, others: NamedText[]): NamedText[] {
  const [, name, rest = text] = /^([\w.-]+)=(.+)$/s.exec(text) ?? []
  return [...others, { name, text: rest }]
}

/** What the options say about the bundle and its adapters. */
function aboutOf({ title, description, example }: Options): BundleAbout {
  const of = (name: string | undefined): TaskAbout => {
    const [descriptions, examples] = [description, example].map((texts) =>
      texts.flatMap((each) => (each.name === name ? [each.text] : [])),
    ) as [string[], string[]]
    return {
      ...(descriptions.length > 0 && { description: descriptions.at(-1) }),
      ...(examples.length > 0 && { examples }),
    }
  }
  const names = new Set([...description, ...example].flatMap(({ name }) => name ?? []))
  return { title, ...of(undefined), adapters: new Map(Array.from(names, (name) => [name, of(name)])) }
}

async function makeBundle(options: Options): Promise<void> {
  const { base, adapter, mode, out, force, json } = options
  const { exportBundle } = await import('../export/index.ts')
  const ui = createUi({ json })
  const signal = interruptSignal()
  const manifest = await exportBundle({
    base,
    adapters: adapter,
    mode,
    dir: out,
    about: aboutOf(options),
    force,
    signal,
  })
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
