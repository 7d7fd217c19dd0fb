/**
 * Token embeddings from counts: which tokens stand near each other in a corpus, as positive pointwise mutual information,
 * brought down to the model's width by its leading eigenvectors. What word2vec learns is this matrix, factored (Levy &
 * Goldberg 2014), and counting reads a small corpus better than a language model does in a few epochs.
 */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { transposedProduct } from '../core/adapter/products.ts'
import type { Random } from '../core/random.ts'
import type { TensorData, TensorMap } from '../core/tensors.ts'

/** Tokens to each side that count as near; the k-th counts 1/k. */
const WINDOW = 10

/** Columns beyond those asked for, which let the others converge, and how often the matrix is applied (Halko et al. 2011, arXiv:0909.4061). */
const OVERSAMPLING = 16
const ITERATIONS = 4

/**
 * Root mean square of an embedding's entries, that of GPT-2's own. Rows of GPT-2's *initial* size (0.02) would be
 * overwritten: a step of Adam moves every entry by up to the learning rate.
 */
const SCALE = 0.1

/** A square matrix, by rows: entries `offsets[row]` to `offsets[row + 1]` of the other two. */
interface SparseMatrix {
  size: number
  offsets: Int32Array
  columns: Int32Array
  values: Float32Array
}

/**
 * A language model's starting weights, with the embedding of each token that occurs taken from the corpus. The output
 * layer has the same rows, so the normalization before it is scaled down as much: logits start as small as they did.
 * @param sequences token ids
 */
export function withCooccurrences(
  weights: TensorMap,
  sequences: readonly (readonly number[])[],
  random: Random,
): TensorMap {
  const tensorOf = (name: string): TensorData => weights.get(name) ?? missing(name)
  const [embeddingName, normName] = ['transformer.wte.weight', 'transformer.ln_f.weight']
  const [embedding, norm] = [tensorOf(embeddingName), tensorOf(normName)]
  const [, width = 0] = embedding.shape
  const data = embedding.data.slice()
  const deviation = Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length)
  for (const [id, row] of cooccurrenceEmbedding(sequences, width, random.fork('cooccurrence'))) {
    data.set(
      row.map((value) => value * SCALE * Math.sqrt(width)),
      id * width,
    )
  }
  return new Map(weights)
    .set(embeddingName, { shape: embedding.shape, data })
    .set(normName, { shape: norm.shape, data: norm.data.map((value) => (value * deviation) / SCALE) })
}

/**
 * Embeddings of the tokens that occur: rows of length 1.
 * @param sequences token ids; nearness ends with a sequence
 * @param width of the rows
 * @returns rows by token id. A token that stands by none more often than chance would have it has none, and with fewer
 *   such tokens than the width there are none at all.
 */
export function cooccurrenceEmbedding(
  sequences: readonly (readonly number[])[],
  width: number,
  random: Random,
): Map<number, Float32Array> {
  const ids = [...new Set(sequences.flat())].toSorted((a, b) => a - b)
  const places = new Map(ids.map((id, place) => [id, place]))
  const counts = countNeighbours(
    sequences.map((sequence) => Int32Array.from(sequence, (id) => places.get(id) ?? 0)),
    ids.length,
  )
  if (ids.length < width + OVERSAMPLING) return new Map()
  const rows = leadingEigenvectors(positiveMutualInformation(counts), width, random)
  const embedding = new Map<number, Float32Array>()
  for (const [place, id] of ids.entries()) {
    const row = rows.subarray(place * width, (place + 1) * width)
    const norm = Math.hypot(...row)
    if (norm > 1e-6)
      embedding.set(
        id,
        row.map((value) => value / norm),
      )
  }
  return embedding
}

/** How often each token stands near each other one: a symmetric matrix. */
function countNeighbours(sequences: readonly Int32Array[], size: number): SparseMatrix {
  const occurrences: [sequence: Int32Array, at: number][][] = Array.from({ length: size }, () => [])
  for (const sequence of sequences)
    for (const [at, token] of sequence.entries()) occurrences[token]?.push([sequence, at])
  const offsets = new Int32Array(size + 1)
  const columns: Int32Array[] = []
  const values: Float32Array[] = []
  const row = new Float32Array(size)
  for (const [token, places] of occurrences.entries()) {
    const touched = new Set<number>()
    for (const [sequence, at] of places) {
      for (let k = 1; k <= WINDOW; k++) {
        for (const neighbour of [sequence[at - k], sequence[at + k]]) {
          if (neighbour === undefined) continue
          touched.add(neighbour)
          row[neighbour] = (row[neighbour] ?? 0) + 1 / k
        }
      }
    }
    const near = Int32Array.from(touched).sort()
    columns.push(near)
    values.push(Float32Array.from(near, (neighbour) => row[neighbour] ?? 0))
    offsets[token + 1] = (offsets[token] ?? 0) + near.length
    for (const neighbour of near) row[neighbour] = 0
  }
  return { size, offsets, columns: join(Int32Array, columns), values: join(Float32Array, values) }
}

/** log(p(i, j) / (p(i)·p(j))) of each entry; 0 where that is negative. */
function positiveMutualInformation({ size, offsets, columns, values }: SparseMatrix): SparseMatrix {
  const sums = new Float64Array(size)
  for (let row = 0; row < size; row++) {
    for (let at = offsets[row] ?? 0; at < (offsets[row + 1] ?? 0); at++)
      sums[row] = (sums[row] ?? 0) + (values[at] ?? 0)
  }
  const total = sums.reduce((sum, value) => sum + value, 0)
  const information = new Float32Array(values.length)
  for (let row = 0; row < size; row++) {
    for (let at = offsets[row] ?? 0; at < (offsets[row + 1] ?? 0); at++) {
      const expected = ((sums[row] ?? 0) * (sums[columns[at] ?? 0] ?? 0)) / total
      information[at] = Math.max(0, Math.log((values[at] ?? 0) / expected))
    }
  }
  return { size, offsets, columns, values: information }
}

/**
 * The eigenvectors of the eigenvalues largest in size, each times the root of that size, by subspace iteration.
 * @returns [size, width], row by row
 */
function leadingEigenvectors(matrix: SparseMatrix, width: number, random: Random): Float32Array {
  const columns = width + OVERSAMPLING
  let basis: Float32Array = Float32Array.from({ length: matrix.size * columns }, () => random.normal())
  for (let iteration = 0; iteration < ITERATIONS; iteration++)
    basis = orthonormal(multiply(matrix, basis, columns), columns)
  const { vectors, values } = eigen(products(basis, multiply(matrix, basis, columns), columns))
  const order = values.map((_, at) => at).toSorted((a, b) => Math.abs(values[b] ?? 0) - Math.abs(values[a] ?? 0))
  return transform(basis, columns, width, (row, column) => {
    const chosen = order[column] ?? 0
    return vectors.get(row, chosen) * Math.sqrt(Math.abs(values[chosen] ?? 0))
  })
}

/** An orthonormal basis of the space that the columns span: X·V·Λ^-½ with XᵀX = V·Λ·Vᵀ. */
function orthonormal(x: Float32Array, columns: number): Float32Array {
  const { vectors, values } = eigen(products(x, x, columns))
  const floor = 1e-12 * Math.max(...values)
  return transform(x, columns, columns, (row, column) => {
    const value = values[column] ?? 0
    return value > floor ? vectors.get(row, column) / Math.sqrt(value) : 0
  })
}

const eigen = (symmetric: Matrix): { vectors: Matrix; values: number[] } => {
  const { eigenvectorMatrix, realEigenvalues } = new EigenvalueDecomposition(symmetric, { assumeSymmetric: true })
  return { vectors: eigenvectorMatrix, values: realEigenvalues }
}

/** matrix · x, with x [size, columns]. */
function multiply(
  { size, offsets, columns: places, values }: SparseMatrix,
  x: Float32Array,
  columns: number,
): Float32Array {
  const result = new Float32Array(size * columns)
  for (let row = 0; row < size; row++) {
    const to = row * columns
    for (let at = offsets[row]!; at < offsets[row + 1]!; at++) {
      // inner loops: indices are below the lengths by construction
      const value = values[at]!
      const from = places[at]! * columns
      for (let column = 0; column < columns; column++) result[to + column]! += value * x[from + column]!
    }
  }
  return result
}

/** Xᵀ·Y, made symmetric: [columns, columns]. */
function products(x: Float32Array, y: Float32Array, columns: number): Matrix {
  const shape = [x.length / columns, columns]
  const matrix = Matrix.from1DArray(columns, columns, transposedProduct({ shape, data: x }, { shape, data: y }))
  return matrix.add(matrix.transpose()).div(2)
}

/** X·T for X [rows, columns] and T [columns, width]. */
function transform(
  x: Float32Array,
  columns: number,
  width: number,
  entry: (row: number, column: number) => number,
): Float32Array {
  const t = Float64Array.from({ length: columns * width }, (_, at) => entry(Math.floor(at / width), at % width))
  const result = new Float32Array((x.length / columns) * width)
  const sums = new Float64Array(width)
  for (let from = 0, to = 0; from < x.length; from += columns, to += width) {
    sums.fill(0)
    for (let row = 0; row < columns; row++) {
      const factor = x[from + row]!
      const at = row * width
      for (let column = 0; column < width; column++) sums[column]! += factor * t[at + column]!
    }
    result.set(sums, to)
  }
  return result
}

function join<T extends Int32Array | Float32Array>(type: new (length: number) => T, parts: readonly T[]): T {
  const whole = new type(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function missing(name: string): never {
  throw new Error(`the base has no ${name}`)
}
