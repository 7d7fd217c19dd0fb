/** GPT-2 (Radford et al. 2019): causal, pre-norm, its linear layers `[in, out]`; classified by the last token. */
import * as z from 'zod/mini'
import {
  type ModelConfig,
  type ModelDescription,
  type ModelFamily,
  type Parameter,
  commonFields,
  tutorialSizes,
} from '../family.ts'
import { checkConfig, checkHeads, embedding, linear, normalization, positive, rate, size } from './parts.ts'

const schema = z.looseObject({
  ...commonFields,
  model_type: z.literal('gpt2'),
  n_positions: size,
  n_embd: size,
  n_layer: size,
  n_head: size,
  /** Width of the feed-forward layer; null means 4 · n_embd. */
  n_inner: z._default(z.nullable(size), null),
  activation_function: z._default(
    z.literal('gelu_new', { error: 'only gelu_new (GELU with tanh) is supported' }),
    'gelu_new',
  ),
  layer_norm_epsilon: z._default(positive, 1e-5),
  initializer_range: z._default(positive, 0.02),
  embd_pdrop: z._default(rate, 0.1),
  resid_pdrop: z._default(rate, 0.1),
  attn_pdrop: z._default(rate, 0.1),
  /** Attention that divides its scores otherwise is another model. */
  scale_attn_weights: z.optional(z.literal(true, { error: 'only true is supported' })),
  scale_attn_by_inverse_layer_idx: z.optional(z.literal(false, { error: 'only false is supported' })),
})

export type GPT2Config = z.infer<typeof schema>

/** GPT-2's end-of-text token, which stands in where a configuration names no padding token. */
const END_OF_TEXT = 50256

/** Width of the feed-forward layer. */
export const innerSize = (config: GPT2Config): number => config.n_inner ?? 4 * config.n_embd

function parse(json: unknown, file: string): GPT2Config {
  const config = checkConfig(schema, json, { file, kind: 'a GPT-2 configuration' })
  checkHeads({ width: config.n_embd, heads: config.n_head }, ['n_embd', 'n_head'], file)
  return config
}

/** Weights N(0, initializer_range²), those of residual projections divided by √(2·n_layer). */
function parameters(config: GPT2Config): Parameter[] {
  const { n_embd: width, n_layer: layers, initializer_range: deviation } = config
  const inner = innerSize(config)
  const residual = deviation / Math.sqrt(2 * layers)
  const blocks = Array.from({ length: layers }, (_, block) => `transformer.h.${block}`)
  const layer = (name: string, input: number, out: number, start: number) =>
    linear(name, { in: input, out, layout: 'in-out', deviation: start })
  return [
    embedding('transformer.wte', [config.vocab_size, width], deviation, 'token-embedding'),
    embedding('transformer.wpe', [config.n_positions, width], deviation),
    ...blocks.flatMap((name) => [`${name}.ln_1`, `${name}.ln_2`]).flatMap((name) => normalization(name, width)),
    ...normalization('transformer.ln_f', width),
    ...blocks.flatMap((name) => [
      ...layer(`${name}.attn.c_attn`, width, 3 * width, deviation),
      ...layer(`${name}.attn.c_proj`, width, width, residual),
      ...layer(`${name}.mlp.c_fc`, width, inner, deviation),
      ...layer(`${name}.mlp.c_proj`, inner, width, residual),
    ]),
  ]
}

function describe(checked: ModelConfig): ModelDescription {
  const config = checked as GPT2Config
  const { n_embd: width, n_head, layer_norm_epsilon, activation_function, initializer_range: deviation } = config
  return {
    config,
    sizes: {
      width,
      layers: config.n_layer,
      heads: n_head,
      positions: config.n_positions,
      vocabulary: config.vocab_size,
    },
    padTokenId: config.pad_token_id ?? END_OF_TEXT,
    parameters: parameters(config),
    head: (labels) =>
      linear('score', { in: width, out: labels, layout: 'out-in', deviation, bias: false, perLabel: true }),
    identity: { n_head, layer_norm_epsilon, activation_function },
    usesDropout: config.embd_pdrop > 0 || config.resid_pdrop > 0,
  }
}

export const gpt2: ModelFamily = {
  modelType: 'gpt2',
  classes: { bare: 'GPT2Model', classifier: 'GPT2ForSequenceClassification' },
  prefix: 'transformer.',
  outside: ['score', 'lm_head'],
  headModules: ['score'],
  // Causal masks, which the model makes itself, and the language model's head, which is `wte` again.
  isDerived: (name) => /\.attn\.(masked_)?bias$/.test(name) || name === 'lm_head.weight',
  fieldsOf: ({ width, layers, heads, inner, positions, vocabulary }) => ({
    vocab_size: vocabulary,
    n_positions: positions,
    n_embd: width,
    n_layer: layers,
    n_head: heads,
    n_inner: inner,
  }),
  newTokens: { bos_token_id: END_OF_TEXT, eos_token_id: END_OF_TEXT, pad_token_id: END_OF_TEXT },
  parse,
  describe,
}

/** A GPT-2 configuration for a new base, of the tutorial's sizes where no field says otherwise. */
export function createConfig(fields: Partial<GPT2Config> = {}): GPT2Config {
  const { modelType, classes, newTokens } = gpt2
  const start = { model_type: modelType, architectures: [classes.bare], ...gpt2.fieldsOf(tutorialSizes), ...newTokens }
  return parse({ ...start, ...fields }, 'config.json')
}
