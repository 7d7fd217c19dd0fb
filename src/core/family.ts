/**
 * What a family of models is, but for its arithmetic: its configuration, its parameters and their names, its head. A family is one
 * file in `families/`; how it computes is one file in `src/model/families/`.
 */
import * as z from 'zod/mini'
import { byLabel } from './schema.ts'

/** Fields of `config.json` that all families read. */
export const commonFields = {
  vocab_size: z.int().check(z.positive()),
  pad_token_id: z.nullish(z.int().check(z.nonnegative())),
  /** Class names by id, as strings "0", "1", … (classification models only). */
  id2label: z.optional(z.record(z.string(), z.string())),
  label2id: z.optional(byLabel(z.int())),
  num_labels: z.optional(z.int()),
  problem_type: z.nullish(z.string()),
}

const commonSchema = z.looseObject({ model_type: z.string(), ...commonFields })

/** A checked configuration, with the field names of Hugging Face's `config.json`. Fields that Graft does not read are kept as they were. */
export type ModelConfig = z.infer<typeof commonSchema>

/** How a matrix lies in a checkpoint: `in-out` for x·W, as GPT-2's Conv1D has it; `out-in` for x·Wᵀ, as PyTorch's Linear has it. */
export type Layout = 'in-out' | 'out-in'

/** How training begins: zeros, ones, or independent normal numbers of a standard deviation. */
export type Start = 'zeros' | 'ones' | { deviation: number }

/** One tensor of a checkpoint. */
export interface Parameter {
  /** As the checkpoint of transformers' class for classification names it. */
  name: string
  shape: number[]
  role: 'token-embedding' | 'embedding' | 'linear' | 'bias' | 'normalization'
  /** Of a linear layer's weight. */
  layout?: Layout
  start: Start
  /** Whether weight decay is for it: matrices of linear layers, not embeddings, biases and normalization. */
  decayed: boolean
  /** Whether its first size is the number of labels (the head's last layer). */
  perLabel?: boolean
  /** Whether a checkpoint of the bare model may lack it: an import then has it begin anew, and says so. */
  optional?: boolean
}

/** A layer that an adapter can change: x·W, or, of an embedding, rows of W, which is the same with x one-hot. */
export interface AdaptableLayer {
  /** `transformer.h.0.attn.c_attn`; its weight is `<name>.weight`. */
  name: string
  kind: 'linear' | 'embedding'
  in: number
  out: number
  /** How its weight lies; an embedding's is `in-out`. */
  layout: Layout
}

export interface ModelSizes {
  /** Channels of a token's state. */
  width: number
  layers: number
  heads: number
  /** Most tokens of a text, special ones included. */
  positions: number
  /** Rows of the token embedding. */
  vocabulary: number
}

/** A model of a family: what its configuration says, as data. */
export interface ModelDescription {
  config: ModelConfig
  sizes: ModelSizes
  /** The token that pads, and that ends a text; undefined where the configuration names none and the mask alone tells padding. */
  padTokenId: number | undefined
  /** All parameters without the classifier's head, in model order. */
  parameters: Parameter[]
  /** Those of the classifier's head. */
  head(labels: number): Parameter[]
  /** What of the configuration changes results and cannot be seen in the weights: with their hash, a base's identity. */
  identity: Readonly<Record<string, string | number>>
  /** Whether it drops out activations where all of it is trained. */
  usesDropout: boolean
  /** Whether its graphs take `token_type_ids` beside `input_ids` and `attention_mask`. */
  tokenTypes?: boolean
}

/** Sizes of a new model. */
export interface NewModelSizes extends ModelSizes {
  /** Width of the feed-forward layer. */
  inner: number
}

/** Those of the tutorial's `SimpleGPTForClassification`, with GPT-2's vocabulary: what a new model has where nothing else is said. */
export const tutorialSizes: NewModelSizes = {
  width: 256,
  layers: 4,
  heads: 8,
  inner: 512,
  positions: 256,
  vocabulary: 50_257,
}

export interface ModelFamily {
  /** As `config.json` names it. */
  modelType: string
  /** transformers' classes of the bare model and of the classifier. */
  classes: { bare: string; classifier: string }
  /** What stands before the names of the bare model in a checkpoint of a class with a head, such as `transformer.`. */
  prefix: string
  /** Modules beside the bare model: heads, of the classifier and others. */
  outside: readonly string[]
  /** Modules of the classifier's head, which PEFT's `modules_to_save` names. */
  headModules: readonly string[]
  /**
   * Whether a tensor of a checkpoint is no parameter of the classifier: made anew by the model, the same as another, or of another head.
   * @param name with the prefix
   */
  isDerived(name: string): boolean
  /** The name that a tensor has now, of one that older checkpoints name otherwise; others as they are. */
  rename?(name: string): string
  /** The fields of a new configuration of these sizes. */
  fieldsOf(sizes: NewModelSizes): Record<string, unknown>
  /** The special tokens of a new configuration, of a family whose models have one vocabulary. */
  newTokens?: Readonly<Record<string, number>>
  /** Checks the family's own fields. @throws GraftError `config`, naming each field at fault */
  parse(json: unknown, file: string): ModelConfig
  /** @param config as `parse` gave it */
  describe(config: ModelConfig): ModelDescription
}
