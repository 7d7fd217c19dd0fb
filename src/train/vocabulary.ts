/**
 * Training on the part of the vocabulary that the texts use. A token that never occurs gets no gradient (embeddings are
 * not decayed), so its embedding stays what it is; leaving its row out changes nothing but time and memory, of which a
 * 50,257-row embedding would be the larger part.
 */
import { adapterTensors } from '../core/adapter/tensors.ts'
import type { TensorData, TensorMap } from '../core/tensors.ts'

export interface Vocabulary {
  /** Ids in the full vocabulary, by compact id. */
  readonly ids: readonly number[]
  /** Whether a tensor has one row for each token: the embedding, and its adapter's A. */
  isTokenTable(name: string): boolean
  /** Token ids in the compact vocabulary. */
  compact(tokens: readonly number[]): number[]
  /** The weights with only the rows of tokens that are in use. */
  restrict(weights: TensorMap): TensorMap
  /**
   * Trained weights with their rows put back among those of all tokens.
   * @param full tables of all tokens; what is not among them, such as an adapter, gets rows of zeros
   */
  expand(trained: TensorMap, full: TensorMap, vocabularySize: number): TensorMap
}

/**
 * @param sequences all texts that will be seen
 * @param padTokenId is always part
 * @param embedding the token embedding's name
 */
export function createVocabulary(
  sequences: readonly (readonly number[])[],
  { padTokenId, embedding }: { padTokenId: number; embedding: string },
): Vocabulary {
  const [rowsOfA] = adapterTensors({ name: embedding, kind: 'embedding' })
  const tables = new Set([`${embedding}.weight`, rowsOfA.name])
  const isTokenTable = (name: string) => tables.has(name)
  const mapTables = (tensors: TensorMap, change: (entry: [string, TensorData]) => TensorData): TensorMap =>
    new Map([...tensors].map(([name, tensor]) => [name, isTokenTable(name) ? change([name, tensor]) : tensor]))
  const ids = [...new Set([padTokenId, ...sequences.flat()])].toSorted((a, b) => a - b)
  // Padding keeps its id where it can: RoBERTa counts places from it.
  if (padTokenId < ids.length) {
    const other = ids[padTokenId]! // below the length
    ids[ids.indexOf(padTokenId)] = other
    ids[padTokenId] = padTokenId
  }
  const compactIds = new Map(ids.map((id, at) => [id, at]))
  const idOf = (token: number) => {
    const id = compactIds.get(token)
    if (id === undefined) throw new Error(`token ${token} is not in the compact vocabulary`)
    return id
  }
  return {
    ids,
    isTokenTable,
    compact: (tokens) => tokens.map(idOf),
    restrict: (weights) => mapTables(weights, ([, table]) => gather(table, ids)),
    expand: (trained, full, size) => mapTables(trained, ([name, table]) => scatter(full.get(name), table, ids, size)),
  }
}

function gather({ shape: [, width = 0], data }: TensorData, ids: readonly number[]): TensorData {
  const gathered = new Float32Array(ids.length * width)
  ids.forEach((id, at) => gathered.set(data.subarray(id * width, (id + 1) * width), at * width))
  return { shape: [ids.length, width], data: gathered }
}

function scatter(
  full: TensorData | undefined,
  { shape: [, width = 0], data }: TensorData,
  ids: readonly number[],
  size: number,
): TensorData {
  const scattered = full?.data.slice() ?? new Float32Array(size * width)
  ids.forEach((id, at) => scattered.set(data.subarray(at * width, (at + 1) * width), id * width))
  return { shape: [size, width], data: scattered }
}
