/** BERT (Devlin et al. 2019): an encoder, post-norm; classified by the pooled first token. MiniLM, bge and e5 are such. */
import * as z from 'zod/mini'
import {
  type ModelConfig,
  type ModelDescription,
  type ModelFamily,
  type NewModelSizes,
  commonFields,
} from '../family.ts'
import { type Encoder, bertNames, dense, encoderParameters, renameNorm } from './encoder.ts'
import { activation, checkConfig, checkHeads, positive, rate, refused, size } from './parts.ts'

/** Fields that BERT and RoBERTa have alike. */
export const bertFields = {
  ...commonFields,
  hidden_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  intermediate_size: size,
  max_position_embeddings: size,
  type_vocab_size: z._default(size, 2),
  hidden_act: z._default(activation, 'gelu'),
  layer_norm_eps: z._default(positive, 1e-12),
  initializer_range: z._default(positive, 0.02),
  hidden_dropout_prob: z._default(rate, 0.1),
  classifier_dropout: z.nullish(rate),
  /** Other places of tokens, and decoders, are other models. */
  position_embedding_type: refused('absolute'),
  is_decoder: refused(false),
  add_cross_attention: refused(false),
}

const schema = z.looseObject({ ...bertFields, model_type: z.literal('bert') })
export type BertConfig = z.infer<z.ZodMiniObject<typeof bertFields>> & ModelConfig

export const NAMES = bertNames('bert.')
export const POOLER = 'bert.pooler.dense'

/** The encoder of a configuration with BERT's fields. */
export const encoderOf = (config: BertConfig, names: Encoder['names']): Encoder => ({
  sizes: {
    width: config.hidden_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    inner: config.intermediate_size,
    vocabulary: config.vocab_size,
    positionRows: config.max_position_embeddings,
    types: config.type_vocab_size,
  },
  names,
  activation: config.hidden_act,
  normEpsilon: config.layer_norm_eps,
  dropout: config.hidden_dropout_prob,
})

/** What of such a configuration cannot be seen in the weights. */
export const identityOf = ({ model_type, num_attention_heads, hidden_act, layer_norm_eps }: BertConfig) => ({
  model_type,
  num_attention_heads,
  hidden_act,
  layer_norm_eps,
})

/** The fields of a new configuration. */
export const bertFieldsOf = ({ width, layers, heads, inner, positions, vocabulary }: NewModelSizes) => ({
  vocab_size: vocabulary,
  hidden_size: width,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  intermediate_size: inner,
  max_position_embeddings: positions,
})

export function parseBert<Config extends BertConfig>(
  own: z.core.$ZodType<Config>,
  json: unknown,
  { file, kind }: { file: string; kind: string },
): Config {
  const config = checkConfig(own, json, { file, kind })
  const { hidden_size: width, num_attention_heads: heads } = config
  checkHeads({ width, heads }, ['hidden_size', 'num_attention_heads'], file)
  return config
}

function describe(checked: ModelConfig): ModelDescription {
  const config = checked as BertConfig
  const { hidden_size: width, initializer_range: deviation } = config
  const encoder = encoderOf(config, NAMES)
  const pooler = dense(POOLER, [width, width], deviation).map((parameter) => ({ ...parameter, optional: true }))
  return {
    config,
    sizes: { ...encoder.sizes, positions: config.max_position_embeddings },
    padTokenId: config.pad_token_id ?? 0,
    parameters: [...encoderParameters(encoder, deviation), ...pooler],
    head: (labels) => dense('classifier', [width, labels], deviation, { perLabel: true }),
    identity: identityOf(config),
    usesDropout: config.hidden_dropout_prob > 0 || (config.classifier_dropout ?? 0) > 0,
    tokenTypes: true,
  }
}

export const bert: ModelFamily = {
  modelType: 'bert',
  classes: { bare: 'BertModel', classifier: 'BertForSequenceClassification' },
  prefix: 'bert.',
  outside: ['classifier', 'cls'],
  headModules: ['classifier'],
  // A buffer that older versions wrote, and the heads of pretraining.
  isDerived: (name) => name === 'bert.embeddings.position_ids' || name.startsWith('cls.'),
  rename: renameNorm,
  fieldsOf: bertFieldsOf,
  parse: (json, file) => parseBert(schema, json, { file, kind: 'a BERT configuration' }),
  describe,
}
