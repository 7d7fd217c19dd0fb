/** Inference on bundles in Node: `openBundle(dir)` → classifier. Loads ONNX Runtime, never TensorFlow.js. */
import { join } from 'node:path'
import { graphPath } from '../core/bundle.ts'
import type { CompiledDevice } from '../core/devices.ts'
import { readBundle } from '../files/bundle-folder.ts'
import { type Classifier, createClassifier } from './classifier.ts'

export type { AdapterChoice, Classification, Classifier, ClassifyOptions, LabelScore, OfTexts } from './classifier.ts'
export type { Measures, MeasuresOf } from '../core/evaluator.ts'
export type { Answer, ProblemType, TaskSpec } from '../core/task.ts'
export { type ClassifierEvaluation, type EvaluateOptions, type LabelledText, evaluateClassifier } from './evaluate.ts'

export interface OpenOptions {
  /** Threads of ONNX Runtime; all cores by default. */
  threads?: number | undefined
  /** What computes; the CPU by default. */
  device?: CompiledDevice | undefined
  /** Whether to check the files' hashes, which is the default: 60 MB take about 0.08 s. */
  verify?: boolean | undefined
}

/**
 * Opens a bundle for classification.
 * @throws GraftError `file-not-found`, `file-format`, `bundle`, `config`, `adapter`, `adapter-base`, `safetensors`, `device`
 * @example
 * import { openBundle } from 'graft-lora'
 *
 * const classifier = await openBundle('runs/merged')
 * const { label, score } = await classifier.classify('A film that I loved')
 * console.log(label, score)
 * await classifier.close()
 */
export async function openBundle(dir: string, { verify, ...options }: OpenOptions = {}): Promise<Classifier> {
  const { manifest, config, adapters, tokenizer } = await readBundle(dir, { verify })
  const model = manifest.kind === 'merged' ? manifest : { adapters, targets: manifest.targets }
  return createClassifier({ graph: join(dir, graphPath), config, model, tokenizer, ...options })
}
