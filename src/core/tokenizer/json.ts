/** The tokenizer that a `tokenizer.json` describes, by Hugging Face's own library in JavaScript. */
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import type { Tokenizer } from '../tokenizer.ts'

/**
 * @param json parsed `tokenizer.json`
 * @param config parsed `tokenizer_config.json`, if there is one
 */
export function createJsonTokenizer(json: unknown, config: unknown, _file: string): Tokenizer {
  const tokenizer = new HuggingFaceTokenizer(json as object, (config ?? {}) as object)
  const special = tokenizer.encode('').ids
  const vocabularySize = [...tokenizer.get_vocab(true).values()].reduce((most, id) => Math.max(most, id), 0) + 1
  return {
    encode(text, maxLength = Infinity) {
      const { ids } = tokenizer.encode(text)
      if (ids.length <= maxLength) return { ids, truncated: false }
      const closing = special.length > 1 ? special.slice(-1) : []
      return { ids: [...ids.slice(0, maxLength - closing.length), ...closing], truncated: true }
    },
    decode: (ids) => tokenizer.decode([...ids]),
    vocabularySize,
  }
}
