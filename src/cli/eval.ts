/** `graft eval`: how well a bundle, an adapter or a trained model does on labelled texts. */
import { Command, Option } from 'commander'
import type { CompiledDevice } from '../core/devices.ts'
import { GraftError } from '../core/errors.ts'
import type { ProblemType } from '../core/task.ts'
import type { Classification, Classifier, ClassifierEvaluation, EvaluateOptions } from '../runtime/index.ts'
import type { LabelledExample } from '../train/dataset.ts'
import { GRAPH_DEVICES, chooseDevice, deviceOption } from './device.ts'
import type { DataOptions } from './eval/data.ts'
import { count } from './format.ts'
import { withLabelOptions, withTableOptions } from './input.ts'
import { interruptSignal } from './interrupt.ts'
import { jsonOption } from './options.ts'
import { isStdout, isStream, isWritable } from './output.ts'
import { type Ui, createUi } from './ui.ts'

interface Options extends DataOptions {
  model: string
  data: string
  adapter?: string
  base?: string
  predictions?: string
  device: CompiledDevice | 'auto'
  json?: boolean
}

/** The `eval` command. */
export function evalCommand(): Command {
  const command = new Command('eval')
    .description('measure a model on labelled texts: accuracy, F1 of each label, confusion matrix')
    .requiredOption(
      '--model <dir>',
      'bundle, or folder of an adapter or a model that `graft train` or `graft import` wrote',
    )
    .requiredOption('--data <path>', 'data set folder, or a file of labelled texts; - for standard input')
    .addOption(
      new Option('--split <name>', 'part of the data set (default: test)').choices(['train', 'validation', 'test']),
    )
    .option('--text <column>', "column of a file's texts (default: text, message, … as found)")
  return withTableOptions(withLabelOptions(command))
    .option('--adapter <name>', 'adapter of an unmerged bundle (default: the only one)')
    .option('--base <dir>', 'base folder of an adapter folder (default: the one that it was trained on)')
    .option('--predictions <file>', "CSV, TSV or JSON Lines file to write: each text's label and prediction")
    .addOption(deviceOption(GRAPH_DEVICES, 'cpu'))
    .addOption(jsonOption())
    .action(evaluateModel)
}

async function evaluateModel(options: Options): Promise<void> {
  const { model, data, adapter, base, predictions: file, device: wanted, json, ...choice } = options
  checkUsage(options)
  if (file !== undefined && !isStream(file)) {
    const { checkOutputFile } = await import('../files/atomic.ts')
    await checkOutputFile(file, [data])
  }
  const signal = interruptSignal()
  const { openModel } = await import('../export/index.ts')
  const { readLabelledTexts } = await import('./eval/data.ts')
  const ui = createUi({ json })
  const device = await chooseDevice(ui, wanted, GRAPH_DEVICES)
  await using classifier = await openModel(model, { base, device })
  // The model says what a label is.
  const { problemType } = classifier.task(adapter)
  const { texts, split, blank } = await readLabelledTexts(data, { ...choice, problemType })
  const { readTemperature } = await import('./eval/temperature.ts')
  const temperature = await readTemperature(model, adapter ?? classifier.adapters[0])
  const measured = await showEvaluation(ui, classifier, texts, { adapter, temperature, signal })
  const { predictions, ...measures } = measured
  if (blank > 0) ui.line(`\nRows without a text, which were left out: ${count(blank)}`)
  if (file !== undefined) {
    await writePredictions(file, texts, predictions)
    ui.line(`\nWrote ${file}: ${count(texts.length)} rows`)
  }
  const textsPerSecond = texts.length / measures.seconds
  ui.result({
    model,
    adapter,
    data,
    split,
    texts: texts.length,
    blank,
    temperature,
    ...measures,
    textsPerSecond,
    device,
    predictions: file,
  })
}

function checkUsage({ predictions }: Options): void {
  if (predictions === undefined || (isWritable(predictions) && !isStdout(predictions))) return
  throw new GraftError('usage', `--predictions must end in .csv, .tsv or .jsonl, not ${predictions}`, {
    hint: 'Choose one of these formats.',
    value: predictions,
  })
}

/** Evaluates under a progress bar, and prints the result. */
async function showEvaluation(
  ui: Ui,
  classifier: Classifier,
  texts: readonly LabelledExample[],
  options: EvaluateOptions,
): Promise<ClassifierEvaluation<ProblemType>> {
  const { evaluateClassifier } = await import('../runtime/index.ts')
  const { printEvaluation } = await import('./eval/print.ts')
  const progress = ui.progress('Evaluating', texts.length, { unit: 'texts' })
  const onProgress = (done: number) => progress.update(done)
  const evaluation = await evaluateClassifier(classifier, texts, { ...options, onProgress }).finally(progress.stop)
  printEvaluation(ui, evaluation)
  return evaluation
}

async function writePredictions(
  file: string,
  texts: readonly LabelledExample[],
  predictions: readonly Classification[],
): Promise<void> {
  const { createWriter, outputLayout } = await import('../core/table/write.ts')
  const { writeRows } = await import('./output.ts')
  const columns = ['text', 'label']
  const layout = outputLayout({ format: 'csv', delimiter: ',', newline: '\n', mark: false, preamble: '' }, file)
  const writer = createWriter({ name: file, columns, header: columns }, layout, ['predicted_label', 'score'])
  async function* rows() {
    yield writer.head()
    for (const [at, { text, label, line }] of texts.entries()) {
      const { label: predicted, labels, score } = predictions[at]! // one for each text
      const values = new Map(Object.entries({ text, label }))
      yield writer.row({ line, values }, [labels ? JSON.stringify(labels.toSorted()) : predicted, score])
    }
  }
  await writeRows(file, rows())
}
