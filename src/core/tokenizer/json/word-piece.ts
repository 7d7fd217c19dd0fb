/** WordPiece (Schuster & Nakajima 2012, as BERT applies it): of each word the longest token that it begins with, and so on. */
import * as z from 'zod/mini'
import type { Model } from './model.ts'
import { fields } from './part.ts'
import { checkIds, idIn, vocabularySchema } from './vocabulary.ts'

const schema = z.object({
  vocab: vocabularySchema,
  unk_token: z.string(),
  continuing_subword_prefix: z.string(),
  max_input_chars_per_word: z.number(),
})

/** @throws NotSupported */
export function createWordPiece(part: unknown): Model {
  const { vocab, unk_token, ...options } = fields(schema, part, 'the model WordPiece')
  const { continuing_subword_prefix: prefix, max_input_chars_per_word: longestWord } = options
  const vocabulary = checkIds(vocab)
  const unknown = [idIn(vocabulary, unk_token)]
  let longest = 1
  for (const token of vocabulary.keys()) longest = Math.max(longest, token.length)

  const isLong = (word: string) => word.length > longestWord && Array.from(word).length > longestWord

  function encode(word: string): number[] {
    if (isLong(word)) return unknown
    const ids: number[] = []
    for (let start = 0; start < word.length;) {
      let end = Math.min(word.length, start + longest)
      let id: number | undefined
      // An end within a surrogate pair finds nothing, as no token ends so.
      for (; end > start && id === undefined; end--)
        id = vocabulary.get((start > 0 ? prefix : '') + word.slice(start, end))
      if (id === undefined) return unknown
      ids.push(id)
      start = end + 1 // The loop went one further.
    }
    return ids
  }

  return { encode, vocabulary }
}
