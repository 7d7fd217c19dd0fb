/** Bundles out: `exportBundle` writes and proves them, `verifyBundle` proves them again, `openBundle` classifies with them. */
export { type ExportOptions, exportBundle } from './bundle.ts'
export { type AdapterSource } from './inputs.ts'
export { type Check, type Verification, verifyBundle } from './verify.ts'
export * from '../runtime/index.ts'
