/** Whether a tokenizer is GPT-2's, of which Graft has the vocabulary and its own, faster encoder. */
import * as z from 'zod/mini'
import { byteCharacters } from './bytes.ts'
import { type BytePairRanks, parseRanks } from './ranks.ts'

/** What they hold is compared below: a schema for each of 50,000 entries would take 0.2 s whenever a base is opened. */
const vocabulary = z.custom<Readonly<Record<string, unknown>>>((value) => typeof value === 'object' && value !== null)
const merges = z.custom<readonly unknown[]>(Array.isArray)
const byteLevel = z.looseObject({ type: z.literal('ByteLevel') })

/** GPT-2's pipeline: bytes, no space put before the text, no special tokens around it. */
const pipeline = z.looseObject({
  normalizer: z.nullish(z.null()),
  pre_tokenizer: z.looseObject({ type: z.literal('ByteLevel'), add_prefix_space: z.literal(false) }),
  post_processor: z.nullish(byteLevel),
  model: z.looseObject({ vocab: vocabulary, merges }),
})

const END_OF_TEXT = '<|endoftext|>'

/** GPT-2's tokens without the special one, by id. A program opens many bases. */
const known = new WeakMap<BytePairRanks, readonly string[]>()

function tokensOf(ranks: BytePairRanks): readonly string[] {
  const tokens = known.get(ranks) ?? readTokens(ranks)
  known.set(ranks, tokens)
  return tokens
}

function readTokens({ bpe_ranks }: BytePairRanks): string[] {
  const characters = byteCharacters()
  const tokens: string[] = []
  for (const [bytes, id] of parseRanks(bpe_ranks))
    tokens[id] = Array.from(bytes, (byte) => characters[byte.charCodeAt(0)]).join('')
  return tokens
}

/** The token that a merge makes, which files of different years have as `a b` or as `["a", "b"]`. */
const merged = (merge: unknown) => (Array.isArray(merge) ? merge.join('') : String(merge).replace(' ', ''))

/**
 * Whether ids and merges are GPT-2's. Tokens that were added after its own are no difference.
 * @param json ids by token
 * @param merges of two tokens each, in order
 */
export function isGpt2Vocabulary(json: unknown, merges: readonly unknown[], ranks: BytePairRanks): boolean {
  const ids = vocabulary.safeParse(json).data
  if (!ids) return false
  const tokens = tokensOf(ranks)
  // The first tokens are single bytes; each other one is what the merge of its place makes.
  const bytes = tokens.length - merges.length
  if (bytes !== byteCharacters().length) return false
  if (tokens.some((token, id) => ids[token] !== id || (id >= bytes && merged(merges[id - bytes]) !== token)))
    return false
  const endOfText = ranks.special_tokens[END_OF_TEXT]
  // tokenizer.json may hold its special tokens apart.
  return (ids[END_OF_TEXT] ?? endOfText) === endOfText
}

/** @param json parsed `tokenizer.json` */
export function isGpt2Tokenizer(json: unknown, ranks: BytePairRanks): boolean {
  const { data } = pipeline.safeParse(json)
  return data !== undefined && isGpt2Vocabulary(data.model.vocab, data.model.merges, ranks)
}
