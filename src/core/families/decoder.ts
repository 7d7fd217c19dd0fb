/** Decoders in the manner of Llama: what the families that differ by biases and little else have in common. */
import * as z from 'zod/mini'
import { GraftError } from '../errors.ts'
import {
  type ModelConfig,
  type ModelDescription,
  type ModelFamily,
  type NewModelSizes,
  commonFields,
} from '../family.ts'
import { type Decoder, type DecoderBiases, type DecoderSizes, decoderParameters } from './decoder-layers.ts'
import { absent, checkConfig, checkHeads, linear, positive, refused, size } from './parts.ts'
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
  head_dim: z.nullish(size),
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
type DecoderConfig = z.infer<typeof decoderSchema>

/** What one of the families has of its own. */
interface DecoderKind<Config extends DecoderConfig> {
  modelType: string
  /** What the names of transformers' classes begin with. */
  className: string
  schema: z.core.$ZodType<Config>
  biases(config: Config): DecoderBiases
  headNorms?: boolean
  /** Checks more than the schema can. @throws GraftError `config` */
  check?(config: Config, file: string): void
}

export interface DecoderFamily extends ModelFamily {
  decoderOf(config: ModelConfig): Decoder
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
    const message = `${file}: heads of ${headSize} channels (head_dim, or hidden_size / num_attention_heads) are not supported`
    throw wrong(message, 'Rotary positions turn pairs of channels: give each head an even number.', headSize)
  }
  if (heads % keyValueHeads !== 0) {
    const message = `${file}: num_attention_heads ${heads} is not a multiple of num_key_value_heads ${keyValueHeads}`
    throw wrong(message, 'Each head of keys and values serves as many heads of queries.', keyValueHeads)
  }
}

function describe<Config extends DecoderConfig>(config: Config, kind: DecoderKind<Config>): ModelDescription {
  const { model_type, num_attention_heads, rms_norm_eps, initializer_range: deviation } = config
  const sizes = sizesOf(config)
  return {
    config,
    sizes,
    padTokenId: config.pad_token_id ?? undefined,
    parameters: decoderParameters(sizes, {
      biases: kind.biases(config),
      headNorms: kind.headNorms ?? false,
      deviation,
    }),
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
