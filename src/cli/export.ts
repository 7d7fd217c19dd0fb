/** `graft export`: makes a bundle of a base and adapters, for `serve`, `web`, `classify` and any ONNX Runtime. */
import { existsSync, statSync } from 'node:fs'
import { Command, Option } from 'commander'
import type { Manifest } from '../core/bundle.ts'
import { GraftError } from '../core/errors.ts'
import { type Gate, type Precision, precisions } from '../core/precision.ts'
import type {
  AdapterSource,
  BundleAbout,
  CalibrationSet,
  ExportOptions,
  GateOptions,
  TaskAbout,
} from '../export/index.ts'
import { count } from './format.ts'
import { interruptSignal } from './interrupt.ts'
import { fraction, jsonOption, list } from './options.ts'
import { type Ui, createUi } from './ui.ts'

interface Options {
  base?: string
  adapter: AdapterSource[]
  mode: ExportOptions['mode']
  out: string
  title?: string
  description: NamedText[]
  example: NamedText[]
  precision: Precision
  calibrate: AdapterSource[]
  maxAccuracyDrop?: number
  keepFp32?: string[]
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
    .addOption(
      new Option('--precision <precision>', "how the base's weights are kept; adapters and heads stay in float32")
        .choices(precisions)
        .default('fp32'),
    )
    .option(
      '--calibrate <[name=]dir>',
      'data set whose validation part tells what fewer bits cost; with a name it is for that adapter; repeat it for several',
      collectAdapters,
      [],
    )
    .option('--max-accuracy-drop <share>', 'the most that accuracy may fall there (default: 0.005)', fraction)
    .option('--keep-fp32 <layers>', 'layers that stay in float32, with commas; auto: those that hurt most', list)
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

/** The validation parts that the gate measures on. */
async function readCalibration({ precision, calibrate, maxAccuracyDrop, keepFp32 }: Options): Promise<GateOptions> {
  const given = { '--calibrate': calibrate[0], '--max-accuracy-drop': maxAccuracyDrop, '--keep-fp32': keepFp32 }
  const option = Object.entries(given).find(([, value]) => value !== undefined)?.[0]
  if (precision === 'fp32' && option !== undefined) {
    throw new GraftError('usage', `${option} is for a --precision below fp32`, {
      hint: `Add --precision int8, or leave ${option} out.`,
      value: option,
    })
  }
  const fp32Layers = keepFp32?.join() === 'auto' ? 'auto' : keepFp32
  const { readLabelledTexts } = await import('./eval/data.ts')
  const calibration: CalibrationSet[] = []
  for (const { name, dir } of calibrate) {
    const isFile = statSync(dir, { throwIfNoEntry: false })?.isFile()
    const { texts } = await readLabelledTexts(dir, isFile ? {} : { split: 'validation' })
    calibration.push({ adapter: name, texts })
  }
  return { calibration, maxAccuracyDrop, fp32Layers }
}

async function makeBundle(options: Options): Promise<void> {
  const { base, adapter, mode, out, precision, force, json } = options
  const gate = await readCalibration(options)
  const { exportBundle } = await import('../export/index.ts')
  const ui = createUi({ json })
  const signal = interruptSignal()
  const manifest = await exportBundle({
    base,
    adapters: adapter,
    mode,
    dir: out,
    about: aboutOf(options),
    precision,
    ...gate,
    force,
    signal,
  })
  printBundle(ui, out, manifest)
  ui.result({ out, ...manifest })
}

function printBundle(ui: Ui, out: string, manifest: Manifest): void {
  const { kind, parity, maxLength, precision, gate } = manifest
  ui.line(
    `Wrote ${out}: ${kind} bundle${precision === 'fp32' ? '' : ` in ${precision}`} for texts of up to ${maxLength} tokens`,
  )
  const tasks = kind === 'merged' ? [{ name: 'merged', labels: manifest.labels }] : manifest.adapters
  ui.line()
  ui.table(
    [kind === 'merged' ? 'model' : 'adapter', 'labels'],
    tasks.map(({ name, labels }) => [name, labels.join(', ')]),
  )
  ui.line()
  if (gate) printGate(ui, gate, precision)
  else {
    const difference = parity.maxDifference.toExponential(1)
    ui.line(`ONNX Runtime gives TF.js' logits on ${parity.probes} probes; largest difference ${difference}`)
  }
  const choice = kind === 'merged' ? '' : ` --adapter ${tasks[0]?.name}`
  ui.line(`Next: graft classify --model ${out}${choice} "a text"`)
}

/** What fewer bits cost. */
function printGate(ui: Ui, { comparisons, fp32Layers }: Gate, precision: Precision): void {
  ui.table(
    ['against float32', 'texts', 'score', precision, 'same answer', 'largest change'],
    comparisons.map(({ adapter = 'merged', texts, score, agreement, largestChange }) => [
      adapter,
      count(texts),
      score ? score.fp32.toFixed(4) : '',
      score ? score.kept.toFixed(4) : '',
      `${(100 * agreement).toFixed(1)} %`,
      largestChange.toFixed(3),
    ]),
  )
  ui.line()
  if (fp32Layers.length > 0) ui.line(`In float32: ${fp32Layers.join(', ')}`)
  if (comparisons.some(({ on }) => on === 'probes'))
    ui.line('Measured on a few probe texts only, which says little: give labelled texts with --calibrate DIR')
}
