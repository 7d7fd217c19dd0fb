/** Mistral (Jiang et al. 2023, arXiv:2310.06825): Llama without biases, where its window of attention spans all positions. */
import * as z from 'zod/mini'
import { GraftError } from '../errors.ts'
import { decoderFamily, decoderFields } from './decoder.ts'
import { size } from './parts.ts'

const schema = z.looseObject({
  ...decoderFields,
  model_type: z.literal('mistral'),
  /** Required, since transformers takes 8 where it is left out. */
  num_key_value_heads: z.nullable(size),
  sliding_window: z._default(z.nullable(size), 4096),
})

export const mistral = decoderFamily({
  modelType: 'mistral',
  className: 'Mistral',
  schema,
  biases: () => ({ attention: false, output: false, inner: false }),
  check({ sliding_window: window, max_position_embeddings: positions }, file) {
    if (window === null || window >= positions) return
    throw new GraftError('config', `${file}: sliding_window ${window} is not supported, only null`, {
      hint: `Its ${positions} positions attend to the last ${window} alone: for shorter texts, write ${window} as max_position_embeddings.`,
      file,
      value: window,
    })
  },
})
