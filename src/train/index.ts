/**
 * Training, from labelled texts to an adapter folder or a fine-tuned base: `createDataset` → `writeDataset` → `readDataset`,
 * `createBase` → `writeBase` → `readBase`, then `train`. Export and evaluation of the result are in `graft-lora/export`.
 */
export { type ErrorCode, GraftError } from '../core/errors.ts'
export type { ModelConfig } from '../core/family.ts'
export type { Measures, MeasuresOf } from '../core/evaluator.ts'
export type { ClassMetrics, Metrics } from '../core/metrics.ts'
export type { MultiLabelMetrics } from '../core/metrics/multi-label.ts'
export type { RegressionMetrics } from '../core/metrics/regression.ts'
export type { ProblemType } from '../core/task.ts'
export { type Base, readBase, writeBase } from '../files/base-folder.ts'
export { type ImportOptions, type ImportResult, importModel } from '../files/import.ts'
export { type NewBase, createBase } from './base.ts'
export { shippedBase } from './shipped-base.ts'
export { type Corpus, type CorpusFile, type DocumentFile, readCorpus, readDocuments } from './corpus.ts'
export * from './dataset.ts'
export type { Calibration, CalibrationBin } from '../core/calibration.ts'
export type { PartResult } from './measure.ts'
export type { EvaluationRecord, HistoryRecord, StepRecord } from './report.ts'
export { type PretrainOptions, type PretrainPlan, type PretrainResult, pretrain } from './pretrain.ts'
export { type DistillOptions, type DistillPlan, type DistillResult, distill } from './distill.ts'
export {
  type DistillSettings,
  type LoraSettings,
  type PretrainSettings,
  type RunSettings,
  type TrainSettings,
  type TrainSettingsInput,
  type TrainingMethod,
  distillDefaults,
  pretrainDefaults,
  trainDefaults,
} from './settings.ts'
export { type PrunableBase, type PruneOptions, type PruneResult, prune } from './prune.ts'
export { type ResolveOptions, type ResolvedSettings, type SettingSource, resolveSettings } from './settings/resolve.ts'
export { identityOf } from './identity.ts'
export { type SweepGrid, type SweepOptions, type SweepOutcome, type SweepResult, gridSettings, sweep } from './sweep.ts'
export { type TrainOptions, type TrainPlan, type TrainResult, train } from './train.ts'
