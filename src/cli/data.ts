/** `graft data`: makes a data set of a file of labelled texts, or of a published collection that it downloads. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import type { CreateDatasetOptions, DatasetSummary } from '../train/dataset.ts'
import { fractions, jsonOption, list, positiveInteger, wholeNumber } from './options.ts'
import { createUi } from './ui.ts'
import type { Ui } from './ui.ts'

interface Options extends CreateDatasetOptions {
  out: string
  force?: boolean
  json?: boolean
}

/** The `data` command. */
export function dataCommand(): Command {
  return new Command('data')
    .description('make a data set: train, validation and test parts of labelled texts')
    .argument('<source>', 'a CSV, TSV or JSON Lines file, one with label<TAB>text lines, or sms-spam to download that')
    .requiredOption('--out <dir>', 'folder to write')
    .option('--text <column>', 'column of the texts (default: text, message, … as found)')
    .option('--label <column>', 'column of the labels (default: label, category, … as found)')
    .option('--labels <names>', 'label names in the order of their ids, with commas (default: sorted)', list)
    .option('--balance', 'undersample every label to the count of the rarest')
    .option('--keep-repeats', 'keep texts that occur more than once')
    .option('--split <shares>', 'shares of train, validation and test', fractions, [0.7, 0.1, 0.2])
    .option('--test <file>', 'a file that is the test part; its texts are taken out of the others')
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

async function makeDataset(source: string, { out, force, json, ...options }: Options): Promise<void> {
  const { createDataset, writeDataset } = await import('../train/dataset.ts')
  const { withOutput } = await import('../files/output.ts')
  const ui = createUi({ json })
  // The output is checked before anything is read or downloaded.
  const inputs = [source, options.test]
  const dataset = await withOutput(out, { kind: 'data set', force, inputs }, async (output) => {
    const path = source === 'sms-spam' ? await download(ui) : source
    const created = await createDataset(path, options)
    await writeDataset(output, created)
    return created
  })
  printSummary(ui, dataset.summary)
  ui.line(`\nWrote ${out}: train.csv, validation.csv, test.csv, summary.json`)
  ui.result({ out, ...dataset.summary })
}

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
  const { read, dropped, splits, tokens, truncation } = summary
  const format = (count: number) => count.toLocaleString('en-US')
  ui.line(`${format(read.rows)} rows read from ${summary.sources[0]?.file}`)
  for (const [reason, count] of Object.entries(dropped)) {
    if (count > 0) ui.line(`${format(count)} rows dropped: ${reasons[reason as keyof typeof dropped]}`)
  }
  ui.line()
  const columns = [read, splits.train, splits.validation, splits.test]
  ui.table(
    ['label', 'read', 'train', 'validation', 'test'],
    [
      ...summary.labels.map((label) => [label, ...columns.map(({ perLabel }) => perLabel[label] ?? 0)]),
      ['all', ...columns.map(({ rows }) => rows)],
    ],
  )
  ui.line()
  const { p50, p90, p95, p99, max, mean } = tokens
  ui.line(`Tokens a text: mean ${mean}, median ${p50}, 90 % ${p90}, 95 % ${p95}, 99 % ${p99}, longest ${max}`)
  if (truncation)
    ui.line(`Longer than ${truncation.length} tokens, to be cut off there: ${format(truncation.texts)} texts`)
}

const reasons: Record<keyof DatasetSummary['dropped'], string> = {
  repeats: 'the text was there already',
  respaced: 'the text was there already but for white space',
  conflicts: 'the same text stands under two labels',
  inTest: 'the text is in the test file',
  balance: 'to balance the labels',
}
