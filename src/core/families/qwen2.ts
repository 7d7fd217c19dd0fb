/** Qwen2 and Qwen2.5 (Yang et al. 2024, arXiv:2407.10671): Llama with biases on queries, keys and values. */
import * as z from 'zod/mini'
import { decoderFamily, decoderFields } from './decoder.ts'
import { refused, size } from './parts.ts'

const schema = z.looseObject({
  ...decoderFields,
  model_type: z.literal('qwen2'),
  /** Required, since transformers takes 32 where it is left out. */
  num_key_value_heads: z.nullable(size),
  use_sliding_window: refused(false),
})

export const qwen2 = decoderFamily({
  modelType: 'qwen2',
  className: 'Qwen2',
  schema,
  biases: () => ({ attention: true, output: false, inner: false }),
})
