/** Texts to the token ids that a model takes: cut to its length, padded as it was trained, checked against its vocabulary. */
import { GraftError } from './errors.ts'
import { modelOf } from './families.ts'
import type { ModelConfig } from './family.ts'
import { type BytePairRanks, createTokenizer } from './tokenizer.ts'

export interface Encoded {
  ids: number[]
  /** Whether the text was longer, so that its end was left out. */
  truncated: boolean
}

/** Encodes a text, cut after `maxLength` tokens or where the model's positions end. */
export type Encode = (text: string, maxLength: number) => Encoded

/** What fills padding: a model's padding token, or any where the mask alone tells padding. */
export const padToken = (config: ModelConfig): number => modelOf(config).padTokenId ?? 0

/**
 * @param ranks the tokenizer's vocabulary, as for `createTokenizer`
 * @throws GraftError `config` for a model with fewer embeddings than the tokenizer has ids
 */
export function createEncoder(config: ModelConfig, ranks: BytePairRanks): Encode {
  const { vocabulary: size, positions } = modelOf(config).sizes
  const tokenizer = createTokenizer(ranks)
  const { vocabSize } = tokenizer
  if (size < vocabSize) {
    throw new GraftError('config', `the model has ${size} token embeddings, and its tokenizer makes ${vocabSize} ids`, {
      hint: `Use a base with a vocab_size of ${vocabSize} or more.`,
      value: size,
    })
  }
  return (text, maxLength) => {
    const length = Math.min(maxLength, positions)
    // One more than is used tells whether anything is cut off, without encoding the rest of a long text.
    const ids = tokenizer.encode(text, { maxLength: length + 1 })
    return { ids: ids.slice(0, length), truncated: ids.length > length }
  }
}
