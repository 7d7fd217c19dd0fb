/**
 * Bundles out: `exportBundle` writes and proves them, `verifyBundle` proves them again, `openBundle` classifies with them.
 * `openModel` also opens adapters and models as training wrote them, and `evaluateClassifier` says how well any does.
 */
export { type ErrorCode, GraftError } from '../core/errors.ts'
export type { Calibration, CalibrationBin, Mistake } from '../core/calibration.ts'
export { type BundleAbout, type TaskAbout } from './about.ts'
export { type ExportOptions, exportBundle } from './bundle.ts'
export type { Comparison, Gate, Precision } from '../core/precision.ts'
export type { CalibrationSet, GateOptions } from './gate.ts'
export { type AdapterSource } from './inputs.ts'
export { type OpenModelOptions, openModel } from './open.ts'
export { type Check, type Verification, verifyBundle } from './verify.ts'
export * from '../runtime/index.ts'
