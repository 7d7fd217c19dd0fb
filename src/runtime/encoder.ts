/** The encoder of texts for a model. */
import { type Encode, createEncoder as createEncoderFrom } from '../core/encoder.ts'
import type { ModelConfig } from '../core/family.ts'
import type { TokenizerSource } from '../core/tokenizer.ts'
import { openTokenizer } from '../files/tokenizer-files.ts'

export type { Encode } from '../core/encoder.ts'

/** @throws GraftError `config` for a model with fewer embeddings than the tokenizer has ids, or a tokenizer that is not supported */
export const createEncoder = async (config: ModelConfig, tokenizer: TokenizerSource): Promise<Encode> =>
  createEncoderFrom(config, await openTokenizer(tokenizer))
