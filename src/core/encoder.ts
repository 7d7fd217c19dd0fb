/** Texts to the token ids that a model takes: cut to its length, checked against its vocabulary. */
import { GraftError } from './errors.ts'
import { modelOf } from './families.ts'
import type { ModelConfig } from './family.ts'
import type { Encoded, Tokenizer } from './tokenizer.ts'

export type { Encoded } from './tokenizer.ts'

/** Encodes a text, cut after `maxLength` tokens or where the model's positions end. */
export type Encode = (text: string, maxLength: number) => Encoded

/** What fills padding: a model's padding token, or any where the mask alone tells padding. */
export const padToken = (config: ModelConfig): number => modelOf(config).padTokenId ?? 0

/**
 * @throws GraftError `config` for a model with fewer embeddings than the tokenizer has ids
 */
export function createEncoder(config: ModelConfig, tokenizer: Tokenizer): Encode {
  const { vocabulary, positions } = modelOf(config).sizes
  const { vocabularySize } = tokenizer
  if (vocabulary < vocabularySize) {
    throw new GraftError(
      'config',
      `the model has ${vocabulary} token embeddings, and its tokenizer makes ${vocabularySize} ids`,
      { hint: `Use a base with a vocab_size of ${vocabularySize} or more.`, value: vocabulary },
    )
  }
  return (text, maxLength) => tokenizer.encode(text, Math.min(maxLength, positions))
}
