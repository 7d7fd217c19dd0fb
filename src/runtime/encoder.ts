/** Texts to the token ids that a model takes. */
import ranks from 'js-tiktoken/ranks/gpt2'
import type { GPT2Config } from '../core/config.ts'
import { GraftError } from '../core/errors.ts'
import { createTokenizer } from '../core/tokenizer.ts'

export interface Encoded {
  ids: number[]
  /** Whether the text was longer, so that its end was left out. */
  truncated: boolean
}

/** Encodes a text, cut after `maxLength` tokens or where the model's positions end. */
export type Encode = (text: string, maxLength: number) => Encoded

/** @throws GraftError `config` for a model with fewer embeddings than the tokenizer has ids */
export function createEncoder({ vocab_size: size, n_positions: positions }: GPT2Config): Encode {
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
