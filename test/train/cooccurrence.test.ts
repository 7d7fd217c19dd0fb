/** Embeddings from counts, against the same matrix made the slow way and decomposed whole. */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../src/core/random.ts'
import { createBase } from '../../src/train/base.ts'
import { cooccurrenceEmbedding, withCooccurrences } from '../../src/train/cooccurrence.ts'

const WIDTH = 4
const WINDOW = 10

/** Sentences of one of four topics; each topic has tokens of its own, ten times its number on. */
function topicSequences(): number[][] {
  const random = createRandom(7)
  return Array.from({ length: 400 }, () => {
    const topic = 10 * random.integer(4)
    return Array.from({ length: 12 }, () =>
      random.uniform() < 0.2 ? 40 + random.integer(5) : topic + random.integer(10),
    )
  })
}

/** Positive pointwise mutual information of every pair, token by token. */
function densePmi(sequences: number[][], size: number): Matrix {
  const counts = Matrix.zeros(size, size)
  for (const sequence of sequences) {
    for (const [i, left] of sequence.entries()) {
      for (const [j, right] of sequence.entries()) {
        const distance = Math.abs(i - j)
        if (distance > 0 && distance <= WINDOW) counts.set(left, right, counts.get(left, right) + 1 / distance)
      }
    }
  }
  const sums = counts.sum('row')
  const total = counts.sum()
  return Matrix.from1DArray(
    size,
    size,
    Array.from({ length: size * size }, (_, at) => {
      const [row, column] = [Math.floor(at / size), at % size]
      return Math.max(0, Math.log((counts.get(row, column) * total) / ((sums[row] ?? 0) * (sums[column] ?? 0))))
    }),
  )
}

const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0)

describe('cooccurrenceEmbedding', () => {
  const sequences = topicSequences()
  const embedding = cooccurrenceEmbedding(sequences, WIDTH, createRandom(1))
  const row = (id: number) => embedding.get(id) ?? new Float32Array(WIDTH)

  it("spans the leading eigenvectors of the corpus' positive mutual information", () => {
    const { eigenvectorMatrix: vectors, realEigenvalues: values } = new EigenvalueDecomposition(
      densePmi(sequences, 45),
      {
        assumeSymmetric: true,
      },
    )
    const order = values.map((_, at) => at).toSorted((a, b) => Math.abs(values[b] ?? 0) - Math.abs(values[a] ?? 0))
    const expected = Array.from({ length: 45 }, (_, id) => {
      const entries = order.slice(0, WIDTH).map((at) => vectors.get(id, at) * Math.sqrt(Math.abs(values[at] ?? 0)))
      return Float32Array.from(entries, (value) => value / Math.hypot(...entries))
    })
    // Eigenvectors have no sign, but what two rows have in common does.
    for (const [id, own] of expected.entries()) {
      for (const [other, its] of expected.entries())
        expect(cosine(row(id), row(other))).toBeCloseTo(cosine(own, its), 3)
    }
  })

  it('brings together what stands together', () => {
    expect(cosine(row(3), row(8))).toBeGreaterThan(0.8)
    expect(cosine(row(3), row(28))).toBeLessThan(0.5)
  })

  it('is the same for the same seed', () => {
    expect(cooccurrenceEmbedding(sequences, WIDTH, createRandom(1))).toEqual(embedding)
  })

  it('has nothing to say of fewer tokens than it has columns', () => {
    expect(cooccurrenceEmbedding([[1, 2, 1]], WIDTH, createRandom(1)).size).toBe(0)
  })
})

describe('withCooccurrences', () => {
  const { weights } = createBase({ width: 8, heads: 2, inner: 16, vocabulary: 60 }, 1)
  const started = withCooccurrences(weights, topicSequences(), createRandom(1))
  const rows = (map: typeof weights, from: number, to: number) =>
    map.get('transformer.wte.weight')?.data.subarray(from * 8, to * 8) ?? new Float32Array()

  it('replaces the rows of tokens that occur, and keeps the others', () => {
    expect(rows(started, 45, 60)).toEqual(rows(weights, 45, 60))
    for (let id = 0; id < 45; id++) expect(Math.hypot(...rows(started, id, id + 1))).toBeCloseTo(0.1 * Math.sqrt(8), 4)
  })

  it('keeps the size of the logits: rows times the normalization before them', () => {
    const gain = started.get('transformer.ln_f.weight')?.data[0] ?? 0
    expect(gain * 0.1).toBeCloseTo(0.02, 3)
  })

  it('changes nothing else', () => {
    const changed = [...weights].filter(([name, tensor]) => started.get(name) !== tensor).map(([name]) => name)
    expect(changed.toSorted()).toEqual(['transformer.ln_f.weight', 'transformer.wte.weight'])
  })
})
