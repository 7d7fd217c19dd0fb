/** Byte-pair encoding (Sennrich et al. 2016) over a vocabulary and the list of its merges. */
import * as z from 'zod/mini'
import { mergeParts } from '../merge.ts'
import type { Model } from './model.ts'
import { fields } from './part.ts'
import { byteIds, checkIds, idIn, vocabularySchema } from './vocabulary.ts'

/** Two tokens; older files have them in one string. */
type Merge = string | readonly [string, string]

/** Checked by hand, as the vocabulary is: a schema takes ten times as long for each of 50,000. */
const isMerge = (value: unknown) =>
  typeof value === 'string' ||
  (Array.isArray(value) && value.length === 2 && value.every((token) => typeof token === 'string'))

const schema = z.object({
  vocab: vocabularySchema,
  merges: z.custom<readonly Merge[]>(
    (value) => Array.isArray(value) && value.every(isMerge),
    'expected pairs of tokens',
  ),
  dropout: z.nullish(z.literal(0)),
  unk_token: z.nullish(z.string()),
  continuing_subword_prefix: z.nullish(z.literal('')),
  end_of_word_suffix: z.nullish(z.literal('')),
  fuse_unk: z._default(z.boolean(), false),
  byte_fallback: z._default(z.boolean(), false),
  ignore_merges: z._default(z.boolean(), false),
})

/** From this length on a piece is cut where no token can reach across, so that its end is encoded only if it is asked for. */
const LONG = 1000
const CACHED_PIECES = 10_000
const CACHED_LENGTH = 32

/** @throws NotSupported */
export function createBytePair(part: unknown): Model {
  const { vocab, merges, ...options } = fields(schema, part, 'the model BPE')
  const vocabulary = checkIds(vocab)
  const unknown = options.unk_token == null ? undefined : idIn(vocabulary, options.unk_token)
  const table = createMerges(vocabulary, merges)
  let breaks: ((text: string) => Iterable<string>) | undefined

  /** The ids of single characters. One that the vocabulary lacks is its bytes, or unknown, or nothing. */
  function symbolsOf(piece: string): number[] {
    const ids: number[] = []
    let isUnknown = false
    for (const character of piece) {
      const id = vocabulary.get(character)
      const bytes = id === undefined && options.byte_fallback ? byteIds(vocabulary, character) : undefined
      if (id !== undefined) ids.push(id)
      else if (bytes) ids.push(...bytes)
      else if (unknown !== undefined && !(options.fuse_unk && isUnknown)) ids.push(unknown)
      isUnknown = id === undefined && !bytes
    }
    return ids
  }

  function merge(piece: string): number[] {
    const ids = symbolsOf(piece)
    const starts = mergeParts(ids.length, {
      rankOf: (start, middle) => table.rankOf(ids[start]!, ids[middle]!), // Both are starts of parts.
      onMerge: (start, rank) => (ids[start] = table.results[rank]!),
    })
    return starts.map((start) => ids[start]!)
  }

  const cache = new Map<string, number[]>()
  function mergeCached(piece: string): number[] {
    const known = cache.get(piece)
    if (known) return known
    const ids = merge(piece)
    if (cache.size >= CACHED_PIECES) cache.clear()
    cache.set(piece, ids)
    return ids
  }

  function* mergeLong(piece: string): Generator<number> {
    breaks ??= createBreaks(vocabulary, merges)
    for (const stretch of breaks(piece)) yield* merge(stretch)
  }

  function encode(piece: string): Iterable<number> {
    const whole = options.ignore_merges ? vocabulary.get(piece) : undefined
    if (whole !== undefined) return [whole]
    if (piece.length <= CACHED_LENGTH) return mergeCached(piece)
    return piece.length < LONG ? merge(piece) : mergeLong(piece)
  }

  return { encode, vocabulary }
}

function pairOf(merge: Merge): readonly [string, string] {
  if (typeof merge !== 'string') return merge
  const space = merge.indexOf(' ')
  return [merge.slice(0, space), merge.slice(space + 1)]
}

/** For two ids their rank, which is their place in the list, and for each rank the id that they become. */
function createMerges(vocabulary: ReadonlyMap<string, number>, merges: readonly Merge[]) {
  // Maps of small integers, by the left id: far faster than one map by the pair.
  const ranks = new Map<number, Map<number, number>>()
  const results = Int32Array.from(merges, (merge, rank) => {
    const [left, right] = pairOf(merge)
    const leftId = idIn(vocabulary, left)
    const ofLeft = ranks.get(leftId) ?? new Map<number, number>()
    ranks.set(leftId, ofLeft.set(idIn(vocabulary, right), rank))
    return idIn(vocabulary, left + right)
  })
  return { results, rankOf: (left: number, right: number) => ranks.get(left)?.get(right) }
}

/**
 * Cuts a text between two characters that stand beside each other in no token that a merge makes: no merge can join what
 * is left of the cut and what is right of it, so the two sides are merged alike apart and together. Characters that are no
 * tokens stay together, as a run of them may be one unknown token.
 */
function createBreaks(
  vocabulary: ReadonlyMap<string, number>,
  merges: readonly Merge[],
): (text: string) => Iterable<string> {
  const neighbours = new Set<string>()
  for (const merge of merges) {
    let previous = ''
    for (const character of pairOf(merge).join('')) {
      neighbours.add(previous + character)
      previous = character
    }
  }
  const stays = (left: string, right: string) =>
    neighbours.has(left + right) || (!vocabulary.has(left) && !vocabulary.has(right))
  return function* (text) {
    let start = 0
    let at = 0
    let previous = ''
    for (const character of text) {
      if (at > start && !stays(previous, character)) {
        yield text.slice(start, at)
        start = at
      }
      at += character.length
      previous = character
    }
    yield text.slice(start)
  }
}
