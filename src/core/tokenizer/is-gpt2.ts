/** Whether a tokenizer is GPT-2's, of which Graft has the vocabulary and its own, faster encoder. */
import * as z from 'zod/mini'
import { byteCharacters } from './bytes.ts'
import { type BytePairRanks, parseRanks } from './ranks.ts'

const vocabulary = z.record(z.string(), z.number())
const pair = z.union([z.string(), z.tuple([z.string(), z.string()])])
const byteLevel = z.looseObject({ type: z.literal('ByteLevel') })

/** GPT-2's pipeline: bytes, no space put before the text, no special tokens around it. */
const pipeline = z.looseObject({
  normalizer: z.nullish(z.null()),
  pre_tokenizer: z.looseObject({ type: z.literal('ByteLevel'), add_prefix_space: z.literal(false) }),
  post_processor: z.nullish(byteLevel),
  model: z.looseObject({ vocab: vocabulary, merges: z.array(pair) }),
})

const END_OF_TEXT = '<|endoftext|>'

/**
 * Whether ids and merges are GPT-2's. Tokens that were added after its own are no difference.
 * @param json ids by token
 * @param merges `a b` each, in order
 */
export function isGpt2Vocabulary(json: unknown, merges: readonly string[], ranks: BytePairRanks): boolean {
  const ids = vocabulary.safeParse(json).data
  if (!ids) return false
  const characters = byteCharacters()
  const own = parseRanks(ranks.bpe_ranks)
  if (merges.length !== own.size - characters.length) return false
  for (const [bytes, id] of own) {
    const token = Array.from(bytes, (byte) => characters[byte.charCodeAt(0)]).join('')
    // The first tokens are single bytes; each other one is what the merge of its place makes.
    const merge = merges[id - characters.length]
    if (ids[token] !== id || (id >= characters.length && merge?.replace(' ', '') !== token)) return false
  }
  const endOfText = ranks.special_tokens[END_OF_TEXT]
  // tokenizer.json may hold its special tokens apart.
  return (ids[END_OF_TEXT] ?? endOfText) === endOfText
}

/** @param json parsed `tokenizer.json` */
export function isGpt2Tokenizer(json: unknown, ranks: BytePairRanks): boolean {
  const { data } = pipeline.safeParse(json)
  if (!data) return false
  const { vocab, merges } = data.model
  return isGpt2Vocabulary(
    vocab,
    merges.map((merge) => [merge].flat().join(' ')),
    ranks,
  )
}
