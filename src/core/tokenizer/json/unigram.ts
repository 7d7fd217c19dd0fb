/** Unigram (Kudo 2018): of all ways to cut a piece into tokens the one whose scores sum up highest. */
import * as z from 'zod/mini'
import type { Model } from './model.ts'
import { NotSupported, fields } from './part.ts'
import { byteIds } from './vocabulary.ts'

/** Checked by hand, since there may be 250,000. */
const isScored = (value: unknown) =>
  Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'number'

const schema = z.object({
  vocab: z.custom<readonly [string, number][]>(
    (value) => Array.isArray(value) && value.every(isScored),
    'expected pairs of a token and its score',
  ),
  unk_id: z.number(),
  byte_fallback: z._default(z.boolean(), false),
})

/** What an unknown character costs below the lowest score, as in SentencePiece. */
const UNKNOWN_PENALTY = 10

/** @throws NotSupported */
export function createUnigram(part: unknown): Model {
  const { vocab, unk_id: unknown, byte_fallback } = fields(schema, part, 'the model Unigram')
  if (!vocab[unknown]) throw new NotSupported(`unk_id ${unknown} in a vocabulary of ${vocab.length} tokens`)
  const vocabulary = new Map(vocab.map(([token], id) => [token, id]))
  const scores = Float64Array.from(vocab, ([, score]) => asSerdeReads(score))
  const unknownScore = scores.reduce((lowest, score) => Math.min(lowest, score), Infinity) - UNKNOWN_PENALTY
  const longestWith = longestByFirst(vocabulary.keys())

  /** Calls back for each token that starts there, the shortest first. */
  function forTokensAt(piece: string, start: number, use: (end: number, id: number) => void): void {
    const last = Math.min(piece.length, start + (longestWith.get(piece.charCodeAt(start)) ?? 0))
    for (let end = start + 1; end <= last; end++) {
      const id = vocabulary.get(piece.slice(start, end))
      if (id !== undefined) use(end, id)
    }
  }

  /** The stretches of the best way, from left to right, each with whether it is unknown. Sums are formed in tokenizers' order: ties depend on it. */
  function bestWay(piece: string): { start: number; end: number; isUnknown: boolean }[] {
    const best = new Float64Array(piece.length + 1)
    const from = new Int32Array(piece.length + 1).fill(-1)
    const ids = new Int32Array(piece.length + 1)
    for (let start = 0, next = 0; start < piece.length; start = next) {
      next = start + (piece.codePointAt(start)! > 0xffff ? 2 : 1) // start < length
      const reach = (end: number, id: number, score: number) => {
        const sum = score + best[start]!
        if (from[end] !== -1 && sum <= best[end]!) return
        best[end] = sum
        from[end] = start
        ids[end] = id
      }
      let isToken = false
      forTokensAt(piece, start, (end, id) => {
        reach(end, id, scores[id]!)
        if (end === next) isToken = true
      })
      if (!isToken) reach(next, unknown, unknownScore)
    }
    const way = []
    for (let end = piece.length; end > 0; end = from[end]!)
      way.push({ start: from[end]!, end, isUnknown: ids[end] === unknown })
    return way.reverse()
  }

  /** What is no token is its bytes, or unknown. */
  const idsOf = (text: string): readonly number[] => {
    const id = vocabulary.get(text)
    return id === undefined ? ((byte_fallback ? byteIds(vocabulary, text) : undefined) ?? [unknown]) : [id]
  }

  function* encode(piece: string): Generator<number> {
    let unknownFrom = -1
    for (const { start, end, isUnknown } of bestWay(piece)) {
      if (isUnknown && unknownFrom < 0) unknownFrom = start
      if (isUnknown) continue
      if (unknownFrom >= 0) yield* idsOf(piece.slice(unknownFrom, start))
      unknownFrom = -1
      yield* idsOf(piece.slice(start, end))
    }
    if (unknownFrom >= 0) yield* idsOf(piece.slice(unknownFrom))
  }

  return { encode, vocabulary }
}

/**
 * A score as Hugging Face's tokenizers has it: serde_json reads the digits as one integer and then applies the power of
 * ten, which rounds twice. Which of two ways wins that are as good as each other, like `0 00` and `00 0`, depends on it.
 */
function asSerdeReads(score: number): number {
  const [mantissa = '', exponent = '0'] = String(score).split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const significand = Number(whole + fraction)
  const power = Number(exponent) - fraction.length
  return power < 0 ? significand / Number(`1e${-power}`) : significand * Number(`1e${power}`)
}

/** Length of the longest token by its first UTF-16 unit. */
function longestByFirst(tokens: Iterable<string>): ReadonlyMap<number, number> {
  const longest = new Map<number, number>()
  for (const token of tokens) {
    const first = token.charCodeAt(0)
    longest.set(first, Math.max(longest.get(first) ?? 0, token.length))
  }
  return longest
}
