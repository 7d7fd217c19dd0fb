/** GPT-2 model configuration, with the field names of Hugging Face's `config.json`. */
import * as z from 'zod/mini'
import { GraftError } from './errors.ts'
import { byLabel } from './schema.ts'

const size = z.int().check(z.positive())
const rate = z.number().check(z.minimum(0), z.maximum(1))

const schema = z.looseObject({
  model_type: z.literal('gpt2'),
  vocab_size: size,
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
  layer_norm_epsilon: z._default(z.number().check(z.positive()), 1e-5),
  initializer_range: z._default(z.number().check(z.positive()), 0.02),
  embd_pdrop: z._default(rate, 0.1),
  resid_pdrop: z._default(rate, 0.1),
  attn_pdrop: z._default(rate, 0.1),
  /** Attention that divides its scores otherwise is another model. */
  scale_attn_weights: z.optional(z.literal(true, { error: 'only true is supported' })),
  scale_attn_by_inverse_layer_idx: z.optional(z.literal(false, { error: 'only false is supported' })),
  pad_token_id: z.nullish(z.int().check(z.nonnegative())),
  /** Class names by id, as strings "0", "1", … (classification models only). */
  id2label: z.optional(z.record(z.string(), z.string())),
  label2id: z.optional(byLabel(z.int())),
  num_labels: z.optional(z.int()),
  problem_type: z.nullish(z.string()),
})

/** What a model was trained for, as transformers says it; a model that says nothing has one label for each text. */
const SINGLE_LABEL = 'single_label_classification'

/** A validated GPT-2 configuration. Fields that Graft does not read are kept as they were. */
export type GPT2Config = z.infer<typeof schema>

/**
 * Checks a parsed `config.json`.
 * @param file named in errors
 * @throws GraftError `config`, naming each field at fault
 */
export function parseConfig(json: unknown, file = 'config.json'): GPT2Config {
  const result = schema.safeParse(json)
  if (!result.success) {
    const issues = result.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`)
    throw new GraftError('config', `${file} is not a GPT-2 configuration: ${issues.join('; ')}`, {
      hint: 'Use the config.json of a GPT-2 model, or make a base with `graft init`.',
      file,
    })
  }
  const config = result.data
  if (config.problem_type && config.problem_type !== SINGLE_LABEL) {
    throw new GraftError('config', `${file}: problem_type ${JSON.stringify(config.problem_type)} is not supported`, {
      hint: `Graft gives each text one label (${SINGLE_LABEL}); scores and several labels a text would come out wrong.`,
      file,
      value: config.problem_type,
    })
  }
  if (config.n_embd % config.n_head !== 0) {
    throw new GraftError('config', `${file}: n_embd ${config.n_embd} is not a multiple of n_head ${config.n_head}`, {
      hint: 'Every attention head gets n_embd / n_head channels: choose sizes that divide.',
      file,
      value: config.n_embd,
    })
  }
  return config
}

/** Width of the feed-forward layer. */
export const innerSize = (config: GPT2Config): number => config.n_inner ?? 4 * config.n_embd

/**
 * A GPT-2 configuration for a new base. The defaults are the tutorial's `SimpleGPTForClassification`:
 * 4 layers, 256 wide, 8 heads, feed-forward 512.
 */
export function createConfig(fields: Partial<GPT2Config> = {}): GPT2Config {
  return parseConfig({
    model_type: 'gpt2',
    architectures: ['GPT2Model'],
    vocab_size: 50257,
    n_positions: 256,
    n_embd: 256,
    n_layer: 4,
    n_head: 8,
    n_inner: 512,
    bos_token_id: 50256,
    eos_token_id: 50256,
    pad_token_id: 50256,
    ...fields,
  })
}
