/** Byte-pair merging in O(n log n): a linked list of parts and a queue of the pairs that can be merged. */
import { MinHeap } from './heap.ts'

const UNMERGEABLE = -1
/** Queue keys are rank · 2³² + start, so that equal ranks are merged from the left. */
const RANK_UNIT = 2 ** 32

/** What a map from bytes to token ids can tell. */
type Ranks = { get(bytes: string): number | undefined }

export interface Merging {
  /** Rank of the pair of the parts that start at `start` and at `middle`, the second ending before `end`; none if it is no pair. */
  rankOf(start: number, middle: number, end: number): number | undefined
  /** Called as the part at `start` takes in its next. */
  onMerge?(start: number, rank: number): void
}

/**
 * Merges symbols to tokens: the pair of neighbours that has the lowest rank is merged, the leftmost first, until no pair
 * has a rank (Sennrich et al. 2016, as GPT-2 applies it).
 *
 * Scanning all pairs before each merge, as most implementations do, takes quadratic time in a run without a break.
 * @param length number of symbols
 * @returns where each part starts
 */
export function mergeParts(length: number, { rankOf, onMerge }: Merging): number[] {
  // A part is named by where it starts. These hold, by start: where the next part and the one before start, and the rank
  // of the part together with its next. Indices stay in [0, length], hence the `!` below.
  const next = Int32Array.from({ length: length + 1 }, (_, start) => start + 1)
  const previous = Int32Array.from({ length: length + 1 }, (_, start) => start - 1)
  const pairRanks = new Int32Array(length + 1).fill(UNMERGEABLE)
  const queue = new MinHeap()

  function rankPair(start: number): void {
    const middle = next[start]!
    const rank = middle < length ? rankOf(start, middle, next[middle]!) : undefined
    pairRanks[start] = rank ?? UNMERGEABLE
    if (rank !== undefined) queue.push(rank * RANK_UNIT + start)
  }

  for (let start = 0; start < length - 1; start++) rankPair(start)
  for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
    const start = key % RANK_UNIT
    const rank = Math.floor(key / RANK_UNIT)
    // The queue also gives pairs of which one part has been merged elsewhere since. A part only ever grows, so the same
    // rank at the same start is the same pair.
    if (pairRanks[start] !== rank) continue
    const middle = next[start]!
    const end = next[middle]!
    pairRanks[middle] = UNMERGEABLE
    next[start] = end
    previous[end] = start
    onMerge?.(start, rank)
    rankPair(start)
    if (start > 0) rankPair(previous[start]!)
  }

  const starts: number[] = []
  for (let start = 0; start < length; start = next[start]!) starts.push(start)
  return starts
}

/**
 * Splits one piece of text into tokens of a vocabulary whose ids are its ranks, starting from single bytes.
 * @param bytes the piece's UTF-8 bytes, one a character (a "binary string")
 * @param ranks token ids by the token's bytes; holds every single byte
 */
export function mergePairs(bytes: string, ranks: Ranks): number[] {
  const starts = mergeParts(bytes.length, { rankOf: (start, _, end) => ranks.get(bytes.slice(start, end)) })
  return starts.map((start, at) => ranks.get(bytes.slice(start, starts[at + 1]))!)
}
