/** Qwen3 (Yang et al. 2025, arXiv:2505.09388): Llama with each head's queries and keys normalized, and heads of a size of their own. */
import * as z from 'zod/mini'
import { decoderFamily, decoderFields } from './decoder.ts'
import { refused, size } from './parts.ts'

const schema = z.looseObject({
  ...decoderFields,
  model_type: z.literal('qwen3'),
  /** Required, since transformers takes 32 and 128 where they are left out. */
  num_key_value_heads: z.nullable(size),
  head_dim: size,
  attention_bias: z._default(z.boolean(), false),
  use_sliding_window: refused(false),
})

export const qwen3 = decoderFamily({
  modelType: 'qwen3',
  className: 'Qwen3',
  schema,
  biases: ({ attention_bias: attention }) => ({ attention, output: attention, inner: false }),
  headNorms: true,
})
