/** A classifier on onnxruntime-node. */
import { type Classifier, type Model, createClassifier as createClassifierFrom } from '../core/classifier.ts'
import type { CompiledDevice } from '../core/devices.ts'
import type { ModelConfig } from '../core/family.ts'
import { stackOf } from '../core/session.ts'
import type { TokenizerSource } from '../core/tokenizer.ts'
import { createEncoder } from './encoder.ts'
import { openSession } from './session.ts'

export type {
  AdapterChoice,
  Classification,
  Classifier,
  ClassifyOptions,
  LabelScore,
  OfTexts,
} from '../core/classifier.ts'

export interface ClassifierOptions {
  /** Path of the ONNX file, or its bytes. */
  graph: string | Uint8Array
  config: ModelConfig
  model: Model
  tokenizer: TokenizerSource
  /** Threads of ONNX Runtime; all cores by default. */
  threads?: number | undefined
  /** What computes; the CPU by default. */
  device?: CompiledDevice | undefined
}

/** @throws GraftError `bundle` for a graph that cannot be loaded, `device`, `config` for a vocabulary that is not the tokenizer's */
export async function createClassifier({
  graph,
  config,
  model,
  tokenizer,
  ...options
}: ClassifierOptions): Promise<Classifier> {
  const encode = await createEncoder(config, tokenizer)
  const session = await openSession(graph, { stack: await stackOf(model, config), ...options })
  return createClassifierFrom({ session, encode, config, model })
}
