/** One adapter of several, as PEFT's `add_weighted_adapter` makes them: by sums of factors, side by side, or by their best approximation. */
import { Matrix, QrDecomposition, SingularValueDecomposition } from 'ml-matrix'
import type { PeftAdapter } from '../adapter.ts'
import { GraftError } from '../errors.ts'
import { type LoraLayer, largestRank, rankOf } from '../lora.ts'
import { outermost } from '../layers.ts'
import type { TensorData, TensorMap } from '../tensors.ts'
import { explicitConfig } from './config.ts'

/**
 * `linear`: A and B summed with √|w·s| each, for equal ranks. `cat`: side by side, exactly Σ w·ΔW, of the sum of the ranks.
 * `svd`: the nearest to Σ w·ΔW that a rank allows.
 */
export type CombineMethod = 'linear' | 'cat' | 'svd'

export interface WeightedAdapter {
  /** Named in errors. */
  name: string
  adapter: PeftAdapter
  weight: number
}

export interface CombineOptions {
  method: CombineMethod
  /** Of the result by `svd`; the largest of the adapters' by default. */
  rank?: number | undefined
}

interface WeightedLayer {
  layer: LoraLayer
  weight: number
}

const fault = (message: string, hint: string) => new GraftError('adapter', message, { hint })

const scaled = ({ shape, data }: TensorData, factor: number): TensorData => ({
  shape,
  data: data.map((value) => factor * value),
})

function add({ shape, data }: TensorData, other: TensorData): TensorData {
  return { shape, data: data.map((value, at) => value + (other.data[at] ?? 0)) }
}

function checkSizes(parts: readonly WeightedLayer[], name: string): void {
  const sizes = parts.map(({ layer }) => `${layer.a.shape[0]} × ${layer.b.shape[1]}`)
  const other = sizes.find((size) => size !== sizes[0])
  if (other !== undefined)
    throw fault(`${name} is ${sizes[0]} in one adapter and ${other} in another`, 'Combine adapters of the same base.')
}

function linear(parts: readonly WeightedLayer[], name: string): LoraLayer {
  if (new Set(parts.map(({ layer }) => rankOf(layer))).size > 1) {
    throw fault(`${name} has different ranks in the adapters`, 'Use `cat` or `svd`, which take any ranks.')
  }
  const root = ({ layer, weight }: WeightedLayer) => Math.sqrt(Math.abs(weight * layer.scaling))
  const sign = ({ layer, weight }: WeightedLayer) => (weight * layer.scaling < 0 ? -1 : 1)
  return {
    a: parts.map((part) => scaled(part.layer.a, sign(part) * root(part))).reduce(add),
    b: parts.map((part) => scaled(part.layer.b, root(part))).reduce(add),
    scaling: 1,
  }
}

function sideBySide(parts: readonly WeightedLayer[]): LoraLayer {
  const rank = parts.reduce((sum, { layer }) => sum + rankOf(layer), 0)
  const [inSize = 0, outSize = 0] = [parts[0]?.layer.a.shape[0], parts[0]?.layer.b.shape[1]]
  const a = { shape: [inSize, rank], data: new Float32Array(inSize * rank) }
  const b = { shape: [rank, outSize], data: new Float32Array(rank * outSize) }
  let at = 0
  for (const { layer, weight } of parts) {
    const own = rankOf(layer)
    const source = scaled(layer.a, weight * layer.scaling).data
    for (let row = 0; row < inSize; row++) a.data.set(source.subarray(row * own, (row + 1) * own), row * rank + at)
    b.data.set(layer.b.data, at * outSize)
    at += own
  }
  return { a, b, scaling: 1 }
}

const toMatrix = ({ shape: [rows = 0, columns = 0], data }: TensorData) => Matrix.from1DArray(rows, columns, data)

const toTensor = (matrix: Matrix): TensorData => ({
  shape: [matrix.rows, matrix.columns],
  data: Float32Array.from(matrix.to1DArray()),
})

/** X = QR with orthonormal columns, or the identity and X itself where it is wide. */
function orthogonalize(x: Matrix): [q: Matrix, r: Matrix] {
  if (x.columns > x.rows) return [Matrix.eye(x.rows), x]
  const { orthogonalMatrix, upperTriangularMatrix } = new QrDecomposition(x)
  return [orthogonalMatrix, upperTriangularMatrix]
}

/**
 * The truncated singular value decomposition of A·B, without A·B where that is larger: with A = Q·R and Bᵀ = Q'·R', it is
 * that of the small R·R'ᵀ between Q and Q'ᵀ.
 */
function truncated(parts: readonly WeightedLayer[], rank: number): LoraLayer {
  const { a, b } = sideBySide(parts)
  const [left, r] = orthogonalize(toMatrix(a))
  const [right, s] = orthogonalize(toMatrix(b).transpose())
  const svd = new SingularValueDecomposition(r.mmul(s.transpose()), { autoTranspose: true })
  const kept = Math.min(rank, svd.diagonal.length)
  const columns = Array.from({ length: kept }, (_, at) => at)
  const u = left.mmul(svd.leftSingularVectors.subMatrixColumn(columns)).mulRowVector(svd.diagonal.slice(0, kept))
  const v = right.mmul(svd.rightSingularVectors.subMatrixColumn(columns))
  return { a: toTensor(u), b: toTensor(v.transpose()), scaling: 1 }
}

/** Heads by the same weights, which sum to one: they give logits, not changes of them. */
function combineHeads(adapters: readonly WeightedAdapter[]): TensorMap {
  const heads = adapters.flatMap(({ adapter: { head }, weight }) => (head.size > 0 ? [{ head, weight }] : []))
  const [first] = heads
  if (!first || heads.length < 2) return first?.head ?? new Map()
  const shapes = ({ head }: { head: TensorMap }) => [...head].map(([name, { shape }]) => `${name} ${shape.join(' ')}`)
  if (new Set(heads.map((each) => shapes(each).toSorted().join('\n'))).size > 1)
    throw fault('the adapters have heads for different numbers of labels', 'Combine adapters for the same labels.')
  const total = heads.reduce((sum, { weight }) => sum + weight, 0)
  if (total === 0) throw fault('the weights of the heads sum to 0', 'Give weights with another sum.')
  const combine = (name: string) =>
    heads.flatMap(({ head, weight }) => (head.get(name) ? [scaled(head.get(name)!, weight / total)] : [])).reduce(add)
  return new Map([...first.head.keys()].map((name) => [name, combine(name)]))
}

/**
 * Combines adapters of one base.
 * @param adapters two or more
 * @throws GraftError `adapter` for tensors that were trained whole, for heads of different sizes, and for different ranks by
 *   `linear`
 */
export function combineAdapters(adapters: readonly WeightedAdapter[], { method, rank }: CombineOptions): PeftAdapter {
  for (const { name, adapter } of adapters) {
    const [saved] = adapter.saved.keys()
    if (saved === undefined) continue
    throw fault(`${name} replaces ${saved} whole, which cannot be combined`, 'Leave this adapter out.')
  }
  const names = new Set(adapters.flatMap(({ adapter }) => [...adapter.layers.keys()]))
  const largest = rank ?? Math.max(...adapters.map(({ adapter }) => largestRank(adapter)))
  const layers: PeftAdapter['layers'] = new Map()
  for (const name of names) {
    const parts = adapters.flatMap(({ adapter, weight }): WeightedLayer[] => {
      const layer = adapter.layers.get(name)
      return layer ? [{ layer, weight }] : []
    })
    checkSizes(parts, name)
    const embedding = parts[0]?.layer.embedding && { embedding: true as const }
    if (method === 'linear') layers.set(name, { ...linear(parts, name), ...embedding })
    else layers.set(name, { ...(method === 'cat' ? sideBySide(parts) : truncated(parts, largest)), ...embedding })
  }
  const head = combineHeads(adapters)
  const modules = [...new Set([...head.keys()].map(outermost))]
  return {
    // There are two or more. Each layer's factor is 1, which PEFT has where α is the rank.
    config: {
      ...explicitConfig(adapters[0]!.adapter.config, layers),
      ...(head.size > 0 ? { modules_to_save: modules, task_type: 'SEQ_CLS' } : { modules_to_save: null }),
    },
    layers,
    head,
    saved: new Map(),
  }
}
