/**
 * Classification with bundles in Node: `openBundle(dir)` → classifier. It loads ONNX Runtime alone; training, export, the server and
 * the page's library are `graft-lora/train`, `/export`, `/serve` and `/web`.
 */
export { type ErrorCode, GraftError } from './core/errors.ts'
export * from './runtime/index.ts'
