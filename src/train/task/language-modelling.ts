/** Language modelling as a task: sequences of one length, a sampled softmax in training, exact perplexity in evaluation. */
import { cut, padBatch } from '../../core/batch.ts'
import { type Random, createRandom } from '../../core/random.ts'
import { type Feed, type Feeds, tokenFeeds } from '../engine.ts'
import type { TrainingTask } from '../task.ts'

export interface LanguageModellingOptions {
  /** Token ids, the same number in each: a sequence's input is all but its last, and predicts all but its first. */
  train: readonly (readonly number[])[]
  validation: readonly (readonly number[])[]
  vocabularySize: number
  /** The token that ends a text. */
  endOfText: number
  /** Whether each token predicts a neighbour too. */
  neighbours: boolean
  batchSize: number
  /** Draws of the sampled softmax, a step. */
  samples: number
  seed: number
}

/** Tokens to each side among which a token's neighbour is drawn. */
const NEIGHBOUR_SPAN = 64

/** Sequences of a batch in evaluation: all tokens' logits are in memory, some 200 KB for each token. */
const EVALUATION_BATCH = 4

export function languageModellingTask(options: LanguageModellingOptions): TrainingTask {
  const { train, validation, vocabularySize, endOfText, neighbours, batchSize, samples, seed } = options
  const sampler = createSampler(tokenCounts(train, vocabularySize), samples)
  const everyToken = allCandidates(vocabularySize)

  return {
    stepsPerEpoch: Math.ceil(train.length / batchSize),
    batches(epoch) {
      const order = createRandom(seed).fork(`epoch ${epoch}`).shuffle(Array.from(train.keys()))
      return cut(order, batchSize).map((indices, at) => () => {
        const sequences = indices.map((index) => train[index] ?? [])
        const random = createRandom(seed).fork(`samples ${epoch} ${at}`)
        const next = sequences.flatMap((ids) => ids.slice(1))
        const near = neighbours ? sequences.flatMap((ids) => drawNeighbours(ids, endOfText, random)) : []
        const candidates = sampler([...next, ...near], random)
        const feeds = batchFeeds(sequences, candidates)
        if (neighbours) feeds['neighbour_candidates'] = placesOf(near, candidates, feeds.input_ids.shape)
        return { feeds, tokens: feeds.input_ids.data.length }
      })
    },
    async evaluate(engine) {
      let [total, count] = [0, 0]
      for (const sequences of cut(validation, EVALUATION_BATCH)) {
        const losses = await engine.evaluate(batchFeeds(sequences, everyToken))
        total += losses.reduce((sum, loss) => sum + loss, 0)
        count += losses.length
      }
      return { loss: total / count }
    },
    isBetter: (evaluation, best) => evaluation.loss < best.loss,
  }
}

/** The tokens that a softmax runs over. */
interface Candidates {
  ids: Int32Array
  /** -log of each one's chance to be among them. */
  biases: Float32Array
  /** Place of a token among the ids. */
  placeOf(id: number): number
}

const allCandidates = (vocabularySize: number): Candidates => ({
  ids: Int32Array.from({ length: vocabularySize }, (_, id) => id),
  biases: new Float32Array(vocabularySize),
  placeOf: (id) => id,
})

/**
 * Draws candidates for a batch: its own next tokens, certain to be there, and others by their frequency to the power of
 * ¾ (Mikolov et al. 2013, arXiv:1310.4546). Tokens that never occur count as occurring once.
 * @param counts by token id
 */
function createSampler(counts: Float64Array, draws: number): (next: readonly number[], random: Random) => Candidates {
  const weights = counts.map((count) => Math.max(1, count) ** 0.75)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let running = 0
  const upTo = weights.map((weight) => (running += weight / total)) // cumulated
  const chance = (id: number) => -Math.expm1(draws * Math.log1p(-(weights[id] ?? 0) / total)) // to be drawn at all

  return (next, random) => {
    const certain = [...new Set(next)]
    const places = new Map(certain.map((id, place) => [id, place]))
    for (let draw = 0; draw < draws; draw++) {
      const id = Math.min(upTo.length - 1, firstAbove(upTo, random.uniform()))
      if (!places.has(id)) places.set(id, places.size)
    }
    const ids = Int32Array.from(places.keys())
    const biases = Float32Array.from(ids, (id, place) => (place < certain.length ? 0 : -Math.log(chance(id))))
    return { ids, biases, placeOf: (id) => places.get(id) ?? 0 }
  }
}

/** Index of the first of the ascending values that is above x; their number where none is. */
function firstAbove(values: Float64Array, x: number): number {
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((values[middle] ?? 0) > x) high = middle
    else low = middle + 1
  }
  return low
}

/**
 * For each input token of a sequence one of the same text, drawn from those near it on both sides and itself: whoever
 * predicts it well knows what the text so far was about.
 */
function drawNeighbours(ids: readonly number[], endOfText: number, random: Random): number[] {
  const inputs = ids.slice(0, -1)
  return inputs.map((_, at) => {
    const start = at === 0 ? 0 : inputs.lastIndexOf(endOfText, at - 1) + 1
    const last = inputs.indexOf(endOfText, at)
    const from = Math.max(start, at - NEIGHBOUR_SPAN)
    const to = Math.min(last < 0 ? inputs.length : last + 1, at + NEIGHBOUR_SPAN + 1)
    return inputs[from + random.integer(to - from)] ?? endOfText
  })
}

function tokenCounts(sequences: readonly (readonly number[])[], vocabularySize: number): Float64Array {
  const counts = new Float64Array(vocabularySize)
  for (const ids of sequences) for (const id of ids) counts[id] = (counts[id] ?? 0) + 1
  return counts
}

function batchFeeds(sequences: readonly (readonly number[])[], candidates: Candidates): Feeds {
  const tokens = tokenFeeds(
    padBatch(
      sequences.map((ids) => ids.slice(0, -1)),
      0,
    ),
  )
  const next = sequences.flatMap((ids) => ids.slice(1))
  const shape = [candidates.ids.length]
  return {
    ...tokens,
    next_candidates: placesOf(next, candidates, tokens.input_ids.shape),
    candidates: { data: candidates.ids, shape },
    candidate_biases: { data: candidates.biases, shape },
  }
}

const placesOf = (ids: readonly number[], { placeOf }: Candidates, shape: number[]): Feed => ({
  data: Int32Array.from(ids, placeOf),
  shape,
})
