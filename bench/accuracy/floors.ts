/**
 * What a set is worth to those who train no network: unigram multinomial Naive Bayes with add-one smoothing, and logistic regression on
 * TF-IDF of words and pairs of words. Both give probabilities, by label id.
 */
import { softmax } from '../../src/core/metrics.ts'
import { createRandom } from '../../src/core/random.ts'

export interface LabelledText {
  text: string
  /** Label id. */
  label: number
}

/** Words in lower case, and single punctuation marks. */
const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) ?? []

/** Probabilities of `test` [texts][labels], after training on `train`. */
export function naiveBayes(train: readonly LabelledText[], test: readonly string[], labels: number): Float64Array[] {
  const classes = Array.from({ length: labels }, () => ({ rows: 0, words: 0, counts: new Map<string, number>() }))
  const vocabulary = new Set<string>()
  for (const { text, label } of train) {
    const entry = classes[label]! // ids are below the number of labels
    entry.rows++
    for (const word of wordsOf(text)) {
      vocabulary.add(word)
      entry.words++
      entry.counts.set(word, (entry.counts.get(word) ?? 0) + 1)
    }
  }
  return test.map((text) => {
    const known = wordsOf(text).filter((word) => vocabulary.has(word))
    const scores = classes.map(({ rows, words, counts }) =>
      known.reduce(
        (sum, word) => sum + Math.log(((counts.get(word) ?? 0) + 1) / (words + vocabulary.size)),
        Math.log(rows),
      ),
    )
    return softmax(Float32Array.from(scores))
  })
}

/** A row of features, by their ids. */
interface Sparse {
  ids: number[]
  values: number[]
}

const EPOCHS = 40
const RATE = 0.5

/**
 * Probabilities of `test` after training on `train` by AdaGrad, as far as the loss on `validation` falls.
 * @returns [texts][labels]
 */
export function logisticRegression(
  train: readonly LabelledText[],
  validation: readonly LabelledText[],
  test: readonly string[],
  labels: number,
): Float64Array[] {
  const features = tfIdf(train.map(({ text }) => text))
  const rows = train.map(({ text, label }) => ({ row: features.of(text), label }))
  const held = validation.map(({ text, label }) => ({ row: features.of(text), label }))
  const weights = new Float32Array((features.size + 1) * labels) // the last row is the bias
  const squares = new Float32Array(weights.length).fill(1e-6)
  const probabilities = (row: Sparse, from = weights): Float64Array => {
    const logits = from.slice(features.size * labels)
    for (const [at, id] of row.ids.entries()) {
      const value = row.values[at]!
      for (let label = 0; label < labels; label++) logits[label]! += value * from[id * labels + label]!
    }
    return softmax(logits)
  }
  const lossOf = (): number =>
    held.reduce((sum, { row, label }) => sum - Math.log(probabilities(row)[label] ?? NaN), 0) / held.length
  const random = createRandom(1)
  let best = { loss: Infinity, weights }
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (const { row, label } of random.shuffle(rows)) {
      const errors = probabilities(row)
      errors[label]! -= 1
      for (const [at, id] of [...row.ids, features.size].entries()) {
        const value = row.values[at] ?? 1
        for (let each = 0; each < labels; each++) {
          const [place, gradient] = [id * labels + each, value * errors[each]!]
          squares[place]! += gradient * gradient
          weights[place]! -= (RATE * gradient) / Math.sqrt(squares[place]!)
        }
      }
    }
    const loss = lossOf()
    if (loss < best.loss) best = { loss, weights: weights.slice() }
  }
  return test.map((text) => probabilities(features.of(text), best.weights))
}

/** (1 + log count) · log((1 + texts) / (1 + texts with it)) + 1 of each word and pair, the row of length 1. */
function tfIdf(texts: readonly string[]): { size: number; of(text: string): Sparse } {
  const termsOf = (text: string): string[] => {
    const words = wordsOf(text)
    return [...words, ...words.slice(1).map((word, at) => `${words[at]} ${word}`)]
  }
  const ids = new Map<string, number>()
  const counts: number[] = []
  for (const text of texts) {
    for (const term of new Set(termsOf(text))) {
      const id = ids.get(term) ?? ids.size
      ids.set(term, id)
      counts[id] = (counts[id] ?? 0) + 1
    }
  }
  const weights = counts.map((count) => Math.log((1 + texts.length) / (1 + count)) + 1)
  return {
    size: ids.size,
    of(text) {
      const found = new Map<number, number>()
      for (const term of termsOf(text)) {
        const id = ids.get(term)
        if (id !== undefined) found.set(id, (found.get(id) ?? 0) + 1)
      }
      const values = [...found].map(([id, count]) => (1 + Math.log(count)) * (weights[id] ?? NaN))
      const norm = Math.hypot(...values)
      return { ids: [...found.keys()], values: values.map((value) => value / norm) }
    },
  }
}
