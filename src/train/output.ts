/** What a training run leaves: the adapter or base folder with its provenance, `metrics.jsonl` and the report. */
import { type Adapter, createAdapterConfig } from '../core/adapter.ts'
import type { Mistake } from '../core/calibration.ts'
import { baseConfigOf } from '../core/adapter/base-config.ts'
import { adapterTensors } from '../core/adapter/tensors.ts'
import { sizeWords } from '../core/families.ts'
import { classifierConfig } from '../core/labels.ts'
import { adaptableLayers, isHead } from '../core/layers.ts'
import type { AdaptableLayer } from '../core/family.ts'
import { type LoraLayer, loraScaling } from '../core/lora.ts'
import { type ProblemType, taskFields } from '../core/task.ts'
import { scriptsOf } from '../core/scripts.ts'
import type { TensorMap } from '../core/tensors.ts'
import { tokenizerIdentity } from '../core/tokenizer.ts'
import { writeAdapter } from '../files/adapter-folder.ts'
import { writeBase } from '../files/base-folder.ts'
import type { Output } from '../files/output.ts'
import type { EncodedDataset } from './encode.ts'
import type { PartResult } from './measure.ts'
import { type HistoryRecord, type Report, renderReport } from './report.ts'
import type { StoredDataset } from './dataset.ts'
import { type TrainSettings, settingsInForce } from './settings.ts'
import type { ResolvedSettings } from './settings/resolve.ts'
import { settingWords, valueWords } from './settings/words.ts'
import type { BaseFacts, TrainResult } from './train.ts'

/** A finished run. */
export interface FinishedRun {
  out: Output
  dataset: StoredDataset
  base: BaseFacts
  /** The base's rows of all tokens, where they are trained. */
  tables: TensorMap
  data: EncodedDataset
  /** The kept checkpoint's parameters by name. */
  trained: TensorMap
  result: TrainResult<ProblemType>
  /** Of each part the most confident ones. */
  mistakes: { validation: Mistake[]; test: Mistake[] }
  /** Where each setting came from. */
  sources: ResolvedSettings['sources']
  history: HistoryRecord[]
}

/**
 * Writes the output folder whole: an adapter, or a base where all weights were trained; with curves, metrics and report.
 * @throws GraftError `file-exists`, `file-write`
 */
export async function writeOutput(run: FinishedRun): Promise<void> {
  const { out, dataset, base, tables, data, trained, result, mistakes, sources, history } = run
  const { settings } = result
  const { labels, problemType } = dataset
  const { thresholds } = result
  const report: Report = {
    title: `Training of ${result.out}`,
    settings: reportSettings(run),
    history,
    labels,
    best: { step: result.bestStep },
    temperature: result.temperature,
    validation: { ...result.validation, mistakes: mistakes.validation },
    test: { ...result.test, mistakes: mistakes.test },
  }
  const metricsFile = history.map((record) => `${JSON.stringify(record)}\n`).join('')
  const extraFiles = { ...renderReport(report), 'metrics.jsonl': metricsFile }
  const info = {
    formatVersion: 1 as const,
    labels,
    ...taskFields({ problemType, thresholds }),
    baseSha256: base.sha256,
    baseConfig: baseConfigOf(base.config, tokenizerIdentity(base.tokenizer)),
    dataSha256: dataset.sha256,
    maxLength: data.maxLength,
    scripts: scriptsOf(dataset.splits.train.map(({ text }) => text)),
    hyperparameters: { ...settings },
    settingSources: Object.fromEntries(Object.entries(sources).filter(([, source]) => source !== 'default')),
    seed: settings.seed,
    metrics: flatMetrics(result),
  }
  const weights = data.vocabulary.expand(trained, tables, base.config.vocab_size)
  if (settings.method === 'lora') {
    await writeAdapter(out, createAdapter(base, settings, { ...info, kind: 'adapter' }, weights), { extraFiles })
    return
  }
  const config = classifierConfig(base.config, { labels, problemType })
  const recipe = base.info?.recipe !== undefined && { recipe: base.info.recipe }
  await writeBase(
    out,
    { config, weights, info: { ...info, ...recipe, kind: 'model' } },
    { extraFiles, tokenizer: base.tokenizer },
  )
}

function createAdapter(base: BaseFacts, { lora }: TrainSettings, info: Adapter['info'], trained: TensorMap): Adapter {
  const tensor = (name: string) => {
    const found = trained.get(name)
    if (!found) throw new Error(`"${name}" was not trained`)
    return found
  }
  const targets = adaptableLayers(base.config).filter((layer) => trained.has(adapterTensors(layer)[0].name))
  const scaling = loraScaling({ mode: lora.scaling, alpha: lora.alpha, rank: lora.rank })
  const pairOf = (layer: AdaptableLayer): LoraLayer => {
    const [a, b] = adapterTensors(layer)
    const embedding = layer.kind === 'embedding' && { embedding: true as const }
    return { a: tensor(a.name), b: tensor(b.name), scaling, ...embedding }
  }
  return {
    config: createAdapterConfig({ ...lora, base: base.dir }, targets, base.config),
    info,
    layers: new Map(targets.map((layer) => [layer.name, pairOf(layer)])),
    head: new Map([...trained].filter(([name]) => isHead(name))),
    saved: new Map(),
  }
}

/** Losses and calibration errors are those of the model as it is written; `Uncalibrated`, with a temperature of 1. */
const flatMetrics = ({ validation, test, temperature }: TrainResult<ProblemType>): Record<string, number> => ({
  ...partMetrics('validation', validation),
  ...partMetrics('test', test),
  temperature,
})

function partMetrics(name: string, part: PartResult<ProblemType>): Record<string, number> {
  const entries = Object.entries(figuresOf(part)).filter(([, value]) => Number.isFinite(value))
  return Object.fromEntries(entries.map(([figure, value]) => [`${name}${figure}`, value]))
}

function figuresOf(part: PartResult<ProblemType>): Record<string, number> {
  if (part.problemType === 'regression') {
    const { meanSquaredError, meanAbsoluteError, r2, pearson, spearman } = part
    const measures = { MeanSquaredError: meanSquaredError, MeanAbsoluteError: meanAbsoluteError, R2: r2 }
    return { ...measures, Pearson: pearson, Spearman: spearman, Loss: part.loss }
  }
  return {
    Accuracy: part.accuracy,
    MacroF1: part.macroF1,
    ...(part.problemType === 'multi_label_classification' && {
      MicroF1: part.microF1,
      MeanAveragePrecision: part.meanAveragePrecision,
    }),
    Loss: part.loss,
    LossUncalibrated: part.uncalibrated.loss,
    CalibrationError: part.calibration.expectedError,
    CalibrationErrorUncalibrated: part.uncalibrated.calibration.expectedError,
  }
}

function reportSettings({ base, dataset, result }: FinishedRun): Report['settings'] {
  const { settings, steps, seconds, parameters } = result
  const inForce = Object.entries(settingsInForce(settings))
  return {
    base: `${base.dir} (${sizeWords(base.config)})`,
    'training texts': dataset.splits.train.length,
    'parameters trained': `${parameters.trainable.toLocaleString('en-US')} of ${parameters.total.toLocaleString('en-US')}`,
    ...Object.fromEntries(inForce.map(([name, value]) => [settingWords(name), valueWords(value)])),
    steps,
    seconds: Math.round(10 * seconds) / 10,
  }
}
