/** What a bundle will hold, before anything is written: the two modes of export differ in this only. */
import type { TaskSpec } from '../core/task.ts'
import type { TaskNotes } from '../core/adapter/info.ts'
import type { ModelConfig } from '../core/family.ts'
import type { TokenizerSource } from '../core/tokenizer.ts'
import type { Graph } from '../onnx/index.ts'
import type { Model } from '../core/classifier/tasks.ts'
import type { ReferenceModel } from './reference.ts'

/** A model as TF.js runs it, for the logits that the bundle has to give. */
export interface NamedReference extends ReferenceModel {
  /** The adapter's name in an unmerged bundle. */
  name?: string
  /** Tokens after which texts are cut. */
  maxLength: number
}

/** Fields of `graft.json` that tell the kinds of bundles apart. */
export type KindFields =
  | ({ kind: 'merged'; temperature?: number } & TaskSpec & TaskNotes)
  | { kind: 'unmerged'; adapters: ({ name: string } & TaskSpec & TaskNotes)[]; rank: number; targets: string[] }

export interface Plan {
  /** `config.json` */
  config: ModelConfig
  tokenizer: TokenizerSource
  fields: KindFields
  maxLength: number
  /** The graph's tasks, for replaying probes. */
  model: Model
  references: NamedReference[]
  /** The graph. Called once, after the references were run: merging changes the weights that they read. */
  trace(): Promise<Graph>
}
