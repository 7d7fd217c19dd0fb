/** DistilBERT (Sanh et al. 2019): BERT without token types and pooler, its fields and tensors named otherwise. */
import * as z from 'zod/mini'
import { type ModelConfig, type ModelDescription, type ModelFamily, commonFields } from '../family.ts'
import { type Encoder, type EncoderNames, dense, encoderParameters } from './encoder.ts'
import { activation, checkConfig, checkHeads, positive, rate, size } from './parts.ts'

const schema = z.looseObject({
  ...commonFields,
  model_type: z.literal('distilbert'),
  dim: size,
  n_layers: size,
  n_heads: size,
  hidden_dim: size,
  max_position_embeddings: size,
  activation: z._default(activation, 'gelu'),
  initializer_range: z._default(positive, 0.02),
  dropout: z._default(rate, 0.1),
  seq_classif_dropout: z._default(rate, 0.2),
})

export type DistilBertConfig = z.infer<typeof schema>

const NAMES: EncoderNames = {
  words: 'distilbert.embeddings.word_embeddings',
  positions: 'distilbert.embeddings.position_embeddings',
  types: '',
  norm: 'distilbert.embeddings.LayerNorm',
  block(layer) {
    const name = `distilbert.transformer.layer.${layer}`
    return {
      query: `${name}.attention.q_lin`,
      key: `${name}.attention.k_lin`,
      value: `${name}.attention.v_lin`,
      attentionOutput: `${name}.attention.out_lin`,
      attentionNorm: `${name}.sa_layer_norm`,
      intermediate: `${name}.ffn.lin1`,
      output: `${name}.ffn.lin2`,
      outputNorm: `${name}.output_layer_norm`,
    }
  },
}

export const encoderOf = (config: DistilBertConfig): Encoder => ({
  sizes: {
    width: config.dim,
    layers: config.n_layers,
    heads: config.n_heads,
    inner: config.hidden_dim,
    vocabulary: config.vocab_size,
    positionRows: config.max_position_embeddings,
    types: 0,
  },
  names: NAMES,
  activation: config.activation,
  normEpsilon: 1e-12, // not in the configuration
  dropout: config.dropout,
})

function parse(json: unknown, file: string): DistilBertConfig {
  const config = checkConfig(schema, json, { file, kind: 'a DistilBERT configuration' })
  checkHeads({ width: config.dim, heads: config.n_heads }, ['dim', 'n_heads'], file)
  return config
}

function describe(checked: ModelConfig): ModelDescription {
  const config = checked as DistilBertConfig
  const { dim: width, initializer_range: deviation, model_type, n_heads, activation: act } = config
  const encoder = encoderOf(config)
  return {
    config,
    sizes: { ...encoder.sizes, positions: config.max_position_embeddings },
    padTokenId: config.pad_token_id ?? 0,
    parameters: encoderParameters(encoder, deviation),
    head: (labels) => [
      ...dense('pre_classifier', [width, width], deviation),
      ...dense('classifier', [width, labels], deviation, { perLabel: true }),
    ],
    identity: { model_type, n_heads, activation: act },
    usesDropout: config.dropout > 0 || config.seq_classif_dropout > 0,
  }
}

export const distilbert: ModelFamily = {
  modelType: 'distilbert',
  classes: { bare: 'DistilBertModel', classifier: 'DistilBertForSequenceClassification' },
  prefix: 'distilbert.',
  outside: ['pre_classifier', 'classifier', 'vocab_transform', 'vocab_layer_norm', 'vocab_projector'],
  headModules: ['pre_classifier', 'classifier'],
  // The head of pretraining.
  isDerived: (name) => name.startsWith('vocab_'),
  fieldsOf: ({ width, layers, heads, inner, positions, vocabulary }) => ({
    vocab_size: vocabulary,
    dim: width,
    n_layers: layers,
    n_heads: heads,
    hidden_dim: inner,
    max_position_embeddings: positions,
  }),
  parse,
  describe,
}
