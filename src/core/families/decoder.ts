/** Decoders in the manner of Llama: what the families that differ by biases and little else have in common. */
import * as z from 'zod/mini'
import { GraftError } from '../errors.ts'
import {
  type ModelConfig,
  type ModelDescription,
  type ModelFamily,
  type NewModelSizes,
  type Parameter,
  commonFields,
} from '../family.ts'
import { absent, checkConfig, checkHeads, embedding, linear, normalization, positive, refused, size } from './parts.ts'
import { rotaryFields, rotaryFrequencies, rotaryIdentity } from './rotary.ts'

/** Fields that all of them have. */
export const decoderFields = {
  ...commonFields,
  ...rotaryFields,
  hidden_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  /** Each serves as many heads of queries; as many as there are of those without. */
  num_key_value_heads: z.nullish(size),
  /** Channels of a head; without, the heads share the width. */
  head_dim: z.nullish(z.int().check(z.positive(), z.multipleOf(2))),
  intermediate_size: size,
  max_position_embeddings: size,
  hidden_act: refused('silu'),
  rms_norm_eps: z._default(positive, 1e-6),
  initializer_range: z._default(positive, 0.02),
  /** Layers that attend otherwise, and mixtures of experts, are other models. */
  layer_types: z.nullish(z.array(z.literal('full_attention', { error: 'only full_attention is supported' }))),
  num_experts: absent,
  num_local_experts: absent,
}

const decoderSchema = z.looseObject({ ...decoderFields, model_type: z.string() })
export type DecoderConfig = z.infer<typeof decoderSchema>

/** A decoder as its forward pass needs it. */
export interface Decoder {
  sizes: DecoderSizes
  /** Whether each head's queries and keys are normalized. */
  headNorms: boolean
  normEpsilon: number
  /** [headSize / 2]: radians a position of each pair of channels. */
  frequencies: number[]
}

export interface DecoderSizes {
  width: number
  layers: number
  heads: number
  keyValueHeads: number
  /** Channels of a head. */
  headSize: number
  /** Width of the feed-forward layer. */
  inner: number
  positions: number
  vocabulary: number
}

/** What one of the families has of its own. */
export interface DecoderKind<Config extends DecoderConfig> {
  modelType: string
  /** What the names of transformers' classes begin with. */
  className: string
  schema: z.core.$ZodType<Config>
  /** The layers that have biases: those of queries, keys and values, the one behind attention, and the feed-forward ones. */
  biases(config: Config): { attention: boolean; output: boolean; inner: boolean }
  headNorms?: boolean
  /** Checks more than the schema can. @throws GraftError `config` */
  check?(config: Config, file: string): void
}

export interface DecoderFamily extends ModelFamily {
  decoderOf(config: ModelConfig): Decoder
}

export const TOKENS = 'model.embed_tokens'
export const LAST_NORM = 'model.norm'

/** Names of one block's layers. */
export function decoderBlock(layer: number) {
  const name = `model.layers.${layer}`
  return {
    attentionNorm: `${name}.input_layernorm`,
    query: `${name}.self_attn.q_proj`,
    queryNorm: `${name}.self_attn.q_norm`,
    key: `${name}.self_attn.k_proj`,
    keyNorm: `${name}.self_attn.k_norm`,
    value: `${name}.self_attn.v_proj`,
    attentionOutput: `${name}.self_attn.o_proj`,
    innerNorm: `${name}.post_attention_layernorm`,
    gate: `${name}.mlp.gate_proj`,
    up: `${name}.mlp.up_proj`,
    down: `${name}.mlp.down_proj`,
  }
}

function sizesOf(config: DecoderConfig): DecoderSizes {
  const { hidden_size: width, num_attention_heads: heads } = config
  return {
    width,
    layers: config.num_hidden_layers,
    heads,
    keyValueHeads: config.num_key_value_heads ?? heads,
    headSize: config.head_dim ?? width / heads,
    inner: config.intermediate_size,
    positions: config.max_position_embeddings,
    vocabulary: config.vocab_size,
  }
}

function checkSizes(config: DecoderConfig, file: string): void {
  const { width, heads, keyValueHeads, headSize } = sizesOf(config)
  if (config.head_dim == null) checkHeads({ width, heads }, ['hidden_size', 'num_attention_heads'], file)
  const wrong = (message: string, hint: string, value: number) =>
    new GraftError('config', message, { hint, file, value })
  if (headSize % 2 !== 0) {
    const message = `${file}: hidden_size ${width} and num_attention_heads ${heads} make heads of ${headSize} channels`
    throw wrong(message, 'Rotary positions turn pairs of channels: give each head an even number.', headSize)
  }
  if (heads % keyValueHeads !== 0) {
    const message = `${file}: num_attention_heads ${heads} is not a multiple of num_key_value_heads ${keyValueHeads}`
    throw wrong(message, 'Each head of keys and values serves as many heads of queries.', keyValueHeads)
  }
}

/** All parameters, in model order: weights begin at N(0, initializer_range²). */
function decoderParameters<Config extends DecoderConfig>(config: Config, kind: DecoderKind<Config>): Parameter[] {
  const { width, layers, heads, keyValueHeads, headSize, inner, vocabulary } = sizesOf(config)
  const { initializer_range: deviation } = config
  const biases = kind.biases(config)
  const dense = (name: string, [input, out]: [input: number, out: number], bias: boolean) =>
    linear(name, { in: input, out, layout: 'out-in', deviation, bias })
  const scale = (name: string, channels: number) => normalization(name, channels, { bias: false })
  const block = (names: ReturnType<typeof decoderBlock>) => [
    ...dense(names.query, [width, heads * headSize], biases.attention),
    ...dense(names.key, [width, keyValueHeads * headSize], biases.attention),
    ...dense(names.value, [width, keyValueHeads * headSize], biases.attention),
    ...dense(names.attentionOutput, [heads * headSize, width], biases.output),
    ...(kind.headNorms ? [names.queryNorm, names.keyNorm].flatMap((name) => scale(name, headSize)) : []),
    ...dense(names.gate, [width, inner], biases.inner),
    ...dense(names.up, [width, inner], biases.inner),
    ...dense(names.down, [inner, width], biases.inner),
    ...scale(names.attentionNorm, width),
    ...scale(names.innerNorm, width),
  ]
  return [
    embedding(TOKENS, [vocabulary, width], deviation, 'token-embedding'),
    ...Array.from({ length: layers }, (_, layer) => block(decoderBlock(layer))).flat(),
    ...scale(LAST_NORM, width),
  ]
}

function describe<Config extends DecoderConfig>(config: Config, kind: DecoderKind<Config>): ModelDescription {
  const { model_type, num_attention_heads, rms_norm_eps, initializer_range: deviation } = config
  const sizes = sizesOf(config)
  return {
    config,
    sizes,
    padTokenId: config.pad_token_id ?? undefined,
    parameters: decoderParameters(config, kind),
    head: (labels) =>
      linear('score', { in: sizes.width, out: labels, layout: 'out-in', deviation, bias: false, perLabel: true }),
    identity: { model_type, num_attention_heads, rms_norm_eps, ...rotaryIdentity(config) },
    usesDropout: false,
  }
}

/** Heads that share keys and values in a new model: two or three, where that divides them. */
const sharing = (heads: number): number => [2, 3].find((count) => heads % count === 0) ?? 1

/** The fields of a new configuration. */
const fieldsOf = ({ width, layers, heads, inner, positions, vocabulary }: NewModelSizes) => ({
  vocab_size: vocabulary,
  hidden_size: width,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  num_key_value_heads: heads / sharing(heads),
  head_dim: width / heads,
  intermediate_size: inner,
  max_position_embeddings: positions,
})

/** A family in the manner of Llama. */
export function decoderFamily<Config extends DecoderConfig>(kind: DecoderKind<Config>): DecoderFamily {
  const { modelType, className, schema, headNorms = false } = kind
  return {
    modelType,
    classes: { bare: `${className}Model`, classifier: `${className}ForSequenceClassification` },
    prefix: 'model.',
    outside: ['score', 'lm_head'],
    headModules: ['score'],
    // Angles, which the model makes itself, and the language model's head, whether it is the embedding again or not.
    isDerived: (name) => name.endsWith('.rotary_emb.inv_freq') || name === 'lm_head.weight',
    fieldsOf,
    parse(json, file) {
      const config = checkConfig(schema, json, { file, kind: `a ${className} configuration` })
      checkSizes(config, file)
      kind.check?.(config, file)
      return config
    },
    describe: (config) => describe(config as Config, kind),
    decoderOf(checked) {
      const config = checked as Config
      const sizes = sizesOf(config)
      const { rms_norm_eps: normEpsilon } = config
      return { sizes, headNorms, normEpsilon, frequencies: rotaryFrequencies(config, sizes.headSize) }
    },
  }
}
