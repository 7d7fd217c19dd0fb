/** `graft data`: makes a data set of a file of labelled texts, or of a published collection that it downloads. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { GraftError } from '../core/errors.ts'
import { problemTypes } from '../core/task.ts'
import type { CreateDatasetOptions, DatasetSummary, SplitName } from '../train/dataset.ts'
import { printDropped } from './data/dropped.ts'
import { tableInput, withLabelOptions, withTableOptions } from './input.ts'
import { fractions, jsonOption, list, positiveInteger, wholeNumber } from './options.ts'
import { createUi } from './ui.ts'
import type { Ui } from './ui.ts'

interface Options extends Omit<CreateDatasetOptions, 'validation' | 'test'> {
  train?: string
  validation?: string
  test?: string
  out: string
  force?: boolean
  json?: boolean
}

/** The `data` command. */
export function dataCommand(): Command {
  const command = new Command('data')
    .description('make a data set: train, validation and test parts of labelled texts')
    .argument(
      '[source]',
      'a CSV, TSV, JSON Lines or Parquet file, one with label<TAB>text lines, - for standard input, a folder of train, ' +
        'validation and test files, or sms-spam to download that',
    )
    .requiredOption('--out <dir>', 'folder to write')
    .option('--train <file>', 'the same as the source, where a set comes split')
    .option('--validation <file>', 'a file that is the validation part; its texts are taken out of the training part')
    .option('--test <file>', 'a file that is the test part; its texts are taken out of the others')
    .option('--text <column>', 'column of the texts (default: text, message, … as found)')
  return withTableOptions(withLabelOptions(command))
    .addOption(
      new Option(
        '--problem-type <type>',
        'what a label is: one of some, a list of some, or a number (default: one; a list with --label-separator, --label-columns)',
      ).choices(problemTypes),
    )
    .option('--labels <names>', 'label names in the order of their ids, with commas (default: sorted)', list)
    .option('--balance', 'undersample every label to the count of the rarest')
    .option('--keep-repeats', 'keep texts that occur more than once')
    .option(
      '--split <shares>',
      'shares of train, validation and test, without those that are given (default: 0.7,0.1,0.2; of what is left with --test, such as 0.9,0.1)',
      fractions,
    )
    .option('--seed <number>', 'seed of all random choices', wholeNumber, 123)
    .option(
      '--max-length <tokens>',
      'count the texts that training with this maximum length will cut off',
      positiveInteger,
    )
    .option('--force', 'replace the output folder')
    .addOption(jsonOption())
    .action(makeDataset)
}

async function makeDataset(source: string | undefined, { out, force, json, ...options }: Options): Promise<void> {
  const { createDataset, writeDataset } = await import('../train/dataset.ts')
  const { withOutput } = await import('../files/output.ts')
  const ui = createUi({ json })
  const { train, validation, test, ...others } = options
  const files = await partsOf(source, { train, validation, test })
  // The output is checked before anything is read or downloaded.
  const inputs = [source, ...Object.values(files)]
  const dataset = await withOutput(out, { kind: 'data set', force, inputs }, async (output) => {
    const input = (path: string | undefined) => (path === undefined ? undefined : tableInput(path))
    const given = { validation: input(files.validation), test: input(files.test) }
    const path = files.train === 'sms-spam' ? await download(ui) : files.train
    const created = await createDataset(tableInput(path), { ...others, ...given })
    await writeDataset(output, created)
    return created
  })
  printSummary(ui, dataset.summary)
  ui.line(`\nWrote ${out}: train.csv, validation.csv, test.csv, summary.json`)
  ui.result({ out, ...dataset.summary })
}

type Parts = Pick<Options, SplitName>

/** @throws GraftError `usage` where nothing, or two things, are to train on, or standard input is read twice */
async function partsOf(source: string | undefined, given: Parts): Promise<Parts & { train: string }> {
  if (source !== undefined && given.train !== undefined) throw misused('the source and --train are the same: give one')
  const { findParts } = await import('../train/dataset.ts')
  const found = source === undefined ? {} : await findParts(source)
  const train = given.train ?? found.train ?? source
  if (train === undefined) throw misused('there is nothing to train on')
  const parts = { train, validation: given.validation ?? found.validation, test: given.test ?? found.test }
  if (Object.values(parts).filter((path) => path === '-').length > 1) throw misused('- can stand for one file only')
  return parts
}

const misused = (problem: string) =>
  new GraftError('usage', problem, { hint: 'Give a file, or --train FILE with --validation FILE and --test FILE.' })

async function download(ui: Ui): Promise<string> {
  const { downloadSmsSpam } = await import('../train/download.ts')
  const cacheDir = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'graft')
  let progress: ReturnType<Ui['progress']> | undefined
  const path = await downloadSmsSpam({
    cacheDir,
    onProgress: (received, total) => {
      progress ??= ui.progress('Downloading', total, { unit: 'bytes' })
      progress.update(received)
    },
  })
  progress?.stop()
  ui.line(`SMS Spam Collection (Almeida, Gómez Hidalgo & Yamakami 2011, CC BY 4.0): ${path}`)
  return path
}

function printSummary(ui: Ui, summary: DatasetSummary): void {
  const { read, splits, tokens, truncation } = summary
  const format = (count: number) => count.toLocaleString('en-US')
  ui.line(`${format(read.rows)} rows read from ${summary.sources[0]?.file}`)
  printDropped(ui, summary)
  ui.line()
  const columns = [read, splits.train, splits.validation, splits.test]
  ui.table(
    ['label', 'read', 'train', 'validation', 'test'],
    [
      ...summary.labels.flatMap((label) =>
        summary.problemType === 'regression' ? [] : [[label, ...columns.map(({ perLabel }) => perLabel[label] ?? 0)]],
      ),
      ['all', ...columns.map(({ rows }) => rows)],
    ],
  )
  ui.line()
  const { p50, p90, p95, p99, max, mean } = tokens
  ui.line(`Tokens a text: mean ${mean}, median ${p50}, 90 % ${p90}, 95 % ${p95}, 99 % ${p99}, longest ${max}`)
  if (truncation)
    ui.line(`Longer than ${truncation.length} tokens, to be cut off there: ${format(truncation.texts)} texts`)
}
