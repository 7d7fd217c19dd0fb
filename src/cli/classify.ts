/** `graft classify`: classifies texts of the command line, or of a file of any size, with whatever classifies. */
import { Command } from 'commander'
import { likeliest } from '../core/classifier.ts'
import type { CompiledDevice } from '../core/devices.ts'
import { GraftError } from '../core/errors.ts'
import type { TableOptions } from '../core/table.ts'
import type { Classification, Classifier } from '../runtime/index.ts'
import { GRAPH_DEVICES, chooseDevice, deviceOption } from './device.ts'
import type { FileSummary } from './classify/file.ts'
import { count, percent } from './format.ts'
import { withTableOptions } from './input.ts'
import { interruptSignal } from './interrupt.ts'
import { jsonOption } from './options.ts'
import { isStdout, isStream, isWritable } from './output.ts'
import { type Ui, createUi } from './ui.ts'

interface Options extends Pick<TableOptions, 'delimiter' | 'encoding'> {
  model: string
  base?: string
  adapter?: string
  all?: boolean
  input?: string
  text?: string
  output?: string
  device: CompiledDevice | 'auto'
  json?: boolean
  verify: boolean
}

/** The `classify` command. */
export function classifyCommand(): Command {
  const command = new Command('classify')
    .description('classify texts with a bundle, an adapter or a model')
    .argument('[text...]', 'texts; or give a file with --input')
    .requiredOption('--model <dir>', 'bundle, which opens fastest, or folder of an adapter or a model')
    .option('--base <dir>', 'base folder of an adapter folder (default: the one that it was trained on)')
    .option('--adapter <name>', 'adapter of an unmerged bundle (default: the only one)')
    .option('--all', "every label's probability, not just the likeliest label")
    .option(
      '--input <file>',
      'CSV, TSV, JSON Lines or Parquet file of texts, one with label<TAB>text lines, or - for stdin',
    )
    .option('--text <column>', 'column of the texts (default: text, message, … as found)')
    .option('--output <file>', 'CSV, TSV or JSON Lines file to write (default: stdout)')
  return withTableOptions(command)
    .option('--no-verify', "do not check the bundle's files by their hashes")
    .addOption(deviceOption(GRAPH_DEVICES, 'cpu'))
    .addOption(jsonOption())
    .action(classifyTexts)
}

async function classifyTexts(texts: string[], options: Options): Promise<void> {
  checkUsage(texts, options)
  if (options.output !== undefined && !isStream(options.output)) {
    const { checkOutputFile } = await import('../files/atomic.ts')
    await checkOutputFile(options.output, [options.input])
  }
  const { openModel } = await import('../export/open.ts')
  const ui = createUi(options)
  const device = await chooseDevice(ui, options.device, GRAPH_DEVICES)
  const classifier = await openModel(options.model, { base: options.base, device, verify: options.verify })
  classifier.labels(options.adapter) // an unknown adapter is an error before anything is read
  try {
    if (options.input === undefined) await classifyArguments(ui, classifier, texts, options)
    else await classifyInput(ui, classifier, options.input, options)
  } finally {
    await classifier.close()
  }
}

function checkUsage(texts: readonly string[], { input, output, text, delimiter, encoding, json }: Options): void {
  const problem =
    (texts.length === 0 && input === undefined && 'there is no text to classify') ||
    (texts.length > 0 && input !== undefined && 'texts and --input exclude each other') ||
    (input === undefined && output !== undefined && '--output is for the rows of --input') ||
    (!isWritable(output) && '--output must end in .csv, .tsv or .jsonl') ||
    (input === undefined && text !== undefined && '--text names a column of --input') ||
    (input === undefined && (delimiter ?? encoding) !== undefined && '--delimiter and --encoding are for --input') ||
    (input !== undefined && isStdout(output) && json && '--input with --json needs --output for the rows')
  if (!problem) return
  throw new GraftError('usage', problem, { hint: 'Give texts, or a file with --input: see `graft classify --help`.' })
}

type Run = Pick<Options, 'adapter' | 'all'>

async function classifyArguments(
  ui: Ui,
  classifier: Classifier,
  texts: string[],
  { adapter, all }: Run,
): Promise<void> {
  const empty = texts.findIndex((text) => text.trim() === '')
  if (empty >= 0) {
    throw new GraftError('text-empty', `text ${empty + 1} is empty`, {
      hint: 'Give a text in quotes.',
      value: texts[empty],
    })
  }
  const results = await classifier.classify(texts, { adapter })
  const rows = texts.map((text, at) => ({ text, ...results[at]! })) // one for each text
  const isNumber = rows.some(({ value }) => value !== undefined)
  ui.table(
    ['text', 'label', isNumber ? 'number' : all ? 'probability' : 'confidence'],
    rows.flatMap(({ text, ...result }) =>
      shownScores(result, all).map(({ label, score }, at) => [
        at === 0 ? abbreviate(text) : '',
        label,
        isNumber ? score.toPrecision(4) : percent(score),
      ]),
    ),
  )
  noteTruncated(ui, results)
  ui.result(rows.map(({ scores, ...row }) => (all ? { ...row, scores } : row)))
}

/** All of a text's labels, the likeliest, or those that it has; none of several is a line of its own. */
function shownScores({ label, score, labels, scores }: Classification, all?: boolean) {
  if (all) return likeliest(scores)
  if (!labels) return [{ label, score }]
  const own = likeliest(scores).filter((each) => labels.includes(each.label))
  return own.length > 0 ? own : [{ label: '(none)', score }]
}

const abbreviate = (text: string) => {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 100 ? `${line.slice(0, 99)}…` : line
}

function noteTruncated(ui: Ui, results: readonly Classification[]): void {
  const cut = results.filter(({ truncated }) => truncated)
  if (cut[0]) ui.line(`\nOf ${cut.length} of the texts only the first ${cut[0].tokens} tokens were read.`)
}

async function classifyInput(ui: Ui, classifier: Classifier, input: string, options: Options): Promise<void> {
  const { classifyFile, fileSize } = await import('./classify/file.ts')
  const { output } = options
  const bytes = isStdout(output) ? undefined : fileSize(input)
  // Rows on stdout show by themselves how far they are.
  const progress = bytes === undefined ? undefined : ui.progress('Classifying', bytes, { unit: 'bytes' })
  const onProgress = (read: number) => progress?.update(read)
  const summary = await classifyFile(classifier, { ...options, input, signal: interruptSignal(), onProgress })
  progress?.stop()
  // Where rows are on stdout, what people read is on stderr.
  if (isStdout(output)) return printNotes(createUi({ json: true }), summary)
  printSummary(ui, summary)
  ui.line(`\nWrote ${output}: ${count(summary.rows)} rows`)
  ui.result({ output, ...summary })
}

function printSummary(ui: Ui, summary: FileSummary): void {
  if (Object.keys(summary.perLabel).length === 0) ui.line(`${count(summary.rows)} texts`)
  else
    ui.table(
      ['label', 'texts', 'share'],
      Object.entries(summary.perLabel).map(([label, texts]) => [label, texts, percent(texts / summary.rows)]),
    )
  printNotes(ui, summary)
}

function printNotes(ui: Ui, { blank, truncated }: FileSummary): void {
  if (blank > 0) ui.line(`\nRows without a text, which got no label: ${count(blank)}`)
  if (truncated > 0) ui.line(`\n${count(truncated)} texts were longer than the model takes: their ends were not read.`)
}
