/** Llama (Touvron et al. 2023, arXiv:2302.13971), of which SmolLM2 and TinyLlama are: pre-norm, rotary positions, SwiGLU. */
import * as z from 'zod/mini'
import { decoderFamily, decoderFields } from './decoder.ts'

const schema = z.looseObject({
  ...decoderFields,
  model_type: z.literal('llama'),
  attention_bias: z._default(z.boolean(), false),
  mlp_bias: z._default(z.boolean(), false),
})

export const llama = decoderFamily({
  modelType: 'llama',
  className: 'Llama',
  schema,
  biases: ({ attention_bias: attention, mlp_bias: inner }) => ({ attention, output: attention, inner }),
})
