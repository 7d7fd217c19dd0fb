/** What a training run leaves: the adapter or base folder with its provenance, `metrics.jsonl` and the report. */
import { type Adapter, createAdapterConfig } from '../core/adapter.ts'
import { labelFields } from '../core/labels.ts'
import { adaptableLayers } from '../core/layers.ts'
import { loraScaling } from '../core/lora.ts'
import { scriptsOf } from '../core/scripts.ts'
import type { TensorMap } from '../core/tensors.ts'
import { writeAdapter } from '../files/adapter-folder.ts'
import { writeBase } from '../files/base-folder.ts'
import type { EncodedDataset } from './encode.ts'
import { SCORE } from './program/classifier.ts'
import { type HistoryRecord, type Report, renderReport } from './report.ts'
import type { TrainSettings } from './settings.ts'
import type { BaseFacts, TrainOptions, TrainResult } from './train.ts'

/** A finished run. */
export interface FinishedRun {
  options: TrainOptions
  base: BaseFacts
  /** The base's rows of all tokens, where they are trained. */
  tables: TensorMap
  data: EncodedDataset
  /** The kept checkpoint's parameters by name. */
  trained: TensorMap
  result: TrainResult
  history: HistoryRecord[]
}

/**
 * Writes the output folder whole: an adapter, or a base where all weights were trained; with curves, metrics and report.
 * @throws GraftError `file-exists`, `file-write`
 */
export async function writeOutput(run: FinishedRun): Promise<void> {
  const { options, base, tables, data, trained, result, history } = run
  const { dataset, out, settings } = options
  const { labels } = dataset
  const report: Report = {
    title: `Training of ${result.out}`,
    settings: reportSettings(run),
    history,
    labels,
    best: { step: result.bestStep },
    validation: result.validation,
    test: result.test,
  }
  const metricsFile = history.map((record) => `${JSON.stringify(record)}\n`).join('')
  const extraFiles = { ...renderReport(report), 'metrics.jsonl': metricsFile }
  const info = {
    formatVersion: 1 as const,
    labels,
    baseSha256: base.sha256,
    dataSha256: dataset.sha256,
    maxLength: data.maxLength,
    scripts: scriptsOf(dataset.splits.train.map(({ text }) => text)),
    hyperparameters: { ...settings },
    seed: settings.seed,
    metrics: flatMetrics(result),
  }
  const weights = data.vocabulary.expand(trained, tables, base.config.vocab_size)
  if (settings.method === 'lora') {
    await writeAdapter(out, createAdapter(base, settings, { ...info, kind: 'adapter' }, weights), { extraFiles })
    return
  }
  const config = { ...base.config, architectures: ['GPT2ForSequenceClassification'], ...labelFields(labels) }
  await writeBase(out, { config, weights, info: { ...info, kind: 'model' } }, { extraFiles })
}

function createAdapter(base: BaseFacts, { lora }: TrainSettings, info: Adapter['info'], trained: TensorMap): Adapter {
  const tensor = (name: string) => {
    const found = trained.get(name)
    if (!found) throw new Error(`"${name}" was not trained`)
    return found
  }
  const targets = adaptableLayers(base.config).flatMap(({ name }) => (trained.has(`${name}.lora_A`) ? [name] : []))
  const scaling = loraScaling({ mode: lora.scaling, alpha: lora.alpha, rank: lora.rank })
  const layer = (name: string) => ({ a: tensor(`${name}.lora_A`), b: tensor(`${name}.lora_B`), scaling })
  return {
    config: createAdapterConfig({ ...lora, base: base.dir }, targets),
    info,
    layers: new Map(targets.map((name) => [name, layer(name)])),
    score: tensor(SCORE),
    saved: new Map(),
  }
}

const flatMetrics = ({ validation, test }: TrainResult): Record<string, number> => ({
  validationAccuracy: validation.accuracy,
  validationMacroF1: validation.macroF1,
  validationLoss: validation.loss,
  testAccuracy: test.accuracy,
  testMacroF1: test.macroF1,
  testLoss: test.loss,
})

function reportSettings({ base, options, result }: FinishedRun): Report['settings'] {
  const { settings, dataset } = options
  const { steps, seconds, parameters } = result
  const { method, lora, device, epochs, batchSize, learningRate, warmup, weightDecay, tokenDropout, maxLength, seed } =
    settings
  const { n_layer: layers, n_embd: width, n_head: heads } = base.config
  return {
    base: `${base.dir} (${layers} layers, ${width} wide, ${heads} heads)`,
    'training texts': dataset.splits.train.length,
    method,
    ...(method === 'lora' && {
      rank: lora.rank,
      alpha: lora.alpha,
      scaling: lora.scaling,
      dropout: lora.dropout,
      'target modules': [lora.targetModules].flat().join(', '),
    }),
    'parameters trained': `${parameters.trainable.toLocaleString('en-US')} of ${parameters.total.toLocaleString('en-US')}`,
    epochs,
    'batch size': batchSize,
    'learning rate': learningRate,
    warmup,
    'weight decay': weightDecay,
    'token dropout': tokenDropout,
    'max length': maxLength,
    seed,
    device,
    steps,
    seconds: Math.round(10 * seconds) / 10,
  }
}
