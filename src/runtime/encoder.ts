/** The encoder of texts with GPT-2's vocabulary, which Node loads whole. */
import ranks from 'js-tiktoken/ranks/gpt2'
import type { ModelConfig } from '../core/family.ts'
import { type Encode, createEncoder as createEncoderFrom } from '../core/encoder.ts'

export type { Encode } from '../core/encoder.ts'

/** @throws GraftError `config` for a model with fewer embeddings than the tokenizer has ids */
export const createEncoder = (config: ModelConfig): Encode => createEncoderFrom(config, ranks)
