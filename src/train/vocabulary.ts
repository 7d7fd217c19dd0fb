/**
 * Training on the part of the vocabulary that the texts use. A token that never occurs gets no gradient (embeddings are
 * not decayed), so its embedding stays what it is; leaving its row out changes nothing but time and memory, of which a
 * 50,257-row embedding would be the larger part.
 */
import type { TensorMap } from '../core/tensors.ts'

const EMBEDDING = 'transformer.wte.weight'

export interface Vocabulary {
  /** Ids in the full vocabulary, by compact id. */
  readonly ids: readonly number[]
  /** Token ids in the compact vocabulary. */
  compact(tokens: readonly number[]): number[]
  /** The weights with only the rows of the embedding that are in use. */
  restrict(weights: TensorMap): TensorMap
  /** Trained weights with their rows put back into the full embedding. */
  expand(trained: TensorMap, full: TensorMap): TensorMap
}

/** @param sequences all texts that will be seen; @param padTokenId is always part */
export function createVocabulary(sequences: readonly (readonly number[])[], padTokenId: number): Vocabulary {
  const ids = [...new Set([padTokenId, ...sequences.flat()])].toSorted((a, b) => a - b)
  const compactIds = new Map(ids.map((id, at) => [id, at]))
  const idOf = (token: number) => {
    const id = compactIds.get(token)
    if (id === undefined) throw new Error(`token ${token} is not in the compact vocabulary`)
    return id
  }
  return {
    ids,
    compact: (tokens) => tokens.map(idOf),
    restrict: (weights) => replaceEmbedding(weights, (rows, width) => gather(rows, ids, width)),
    expand: (trained, full) =>
      replaceEmbedding(trained, (rows, width) => scatter(full.get(EMBEDDING)?.data ?? rows, rows, ids, width)),
  }
}

function replaceEmbedding(weights: TensorMap, change: (rows: Float32Array, width: number) => Float32Array): TensorMap {
  const embedding = weights.get(EMBEDDING)
  const width = embedding?.shape[1]
  if (!embedding || !width) return weights
  const data = change(embedding.data, width)
  return new Map(weights).set(EMBEDDING, { shape: [data.length / width, width], data })
}

function gather(rows: Float32Array, ids: readonly number[], width: number): Float32Array {
  const gathered = new Float32Array(ids.length * width)
  ids.forEach((id, at) => gathered.set(rows.subarray(id * width, (id + 1) * width), at * width))
  return gathered
}

function scatter(full: Float32Array, rows: Float32Array, ids: readonly number[], width: number): Float32Array {
  const scattered = full.slice()
  ids.forEach((id, at) => scattered.set(rows.subarray(at * width, (at + 1) * width), id * width))
  return scattered
}
