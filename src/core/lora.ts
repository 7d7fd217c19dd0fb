/** LoRA's arithmetic on plain data: scaling, target layers, and ΔW = s·A·B (Hu et al. 2021, arXiv:2106.09685). */
import type { PeftAdapter } from './adapter.ts'
import { type ExpressionOptions, compileExpression } from './adapter/expression.ts'
import { GraftError } from './errors.ts'
import type { AdaptableLayer, Layout, ModelConfig } from './family.ts'
import { adaptableLayers, isHead } from './layers.ts'
import { type TensorData, type TensorMap, transpose } from './tensors.ts'

/** `peft`: α/r. `rslora`: α/√r (Kalajdzievski 2023, arXiv:2312.03732). `alpha`: α itself. */
export type LoraScaling = 'peft' | 'rslora' | 'alpha'

export interface LoraScalingOptions {
  mode: LoraScaling
  alpha: number
  rank: number
}

/** The factor s before A·B. */
export function loraScaling({ mode, alpha, rank }: LoraScalingOptions): number {
  if (mode === 'alpha') return alpha
  return alpha / (mode === 'rslora' ? Math.sqrt(rank) : rank)
}

/** `all-linear` (not the embedding), a list of names or endings of names, or a regular expression for whole names. */
export type TargetModules = string | string[]

/** Whether a layer is meant by a whole name or by the end of one, from a dot on. */
export const isNamed = (name: string, entry: string): boolean => name === entry || name.endsWith(`.${entry}`)

/** Whether a choice is that of all linear layers. */
export const isAllLinear = (spec: TargetModules): boolean =>
  typeof spec === 'string' && spec.toLowerCase() === 'all-linear'

/** What target modules are matched with. */
export type TargetLayer = Pick<AdaptableLayer, 'name' | 'kind'>

/**
 * Whether a layer is among the target modules, by PEFT's rules.
 * @param place where they stand, for errors
 * @throws GraftError for a regular expression that is not supported: `usage`, or `adapter` where it stands in a file
 */
export async function targetMatcher(
  spec: TargetModules,
  place: ExpressionOptions,
): Promise<(layer: TargetLayer) => boolean> {
  if (Array.isArray(spec)) return ({ name }) => spec.some((entry) => isNamed(name, entry))
  if (isAllLinear(spec)) return ({ kind }) => kind === 'linear'
  const { fullMatch } = await compileExpression(spec, place)
  return ({ name }) => fullMatch(name)
}

/**
 * The layers that a choice of target modules stands for.
 * @param layers those that can be adapted
 * @returns the chosen ones' names, in model order
 * @throws GraftError `usage` where a name of a list, or a regular expression, matches nothing
 */
export async function matchTargetModules(layers: readonly TargetLayer[], spec: TargetModules): Promise<string[]> {
  const isTarget = await targetMatcher(spec, { field: 'target modules' })
  const chosen = layers.flatMap((layer) => (isTarget(layer) ? [layer.name] : []))
  const entries = Array.isArray(spec) && spec.length > 0 ? spec : [spec]
  const idle = Array.isArray(spec) ? spec.filter((entry) => !layers.some(({ name }) => isNamed(name, entry))) : []
  if (chosen.length > 0 && idle.length === 0) return chosen
  const wrong = (idle.length > 0 ? idle : entries).map((each) => JSON.stringify(each)).join(', ')
  throw new GraftError('usage', `target modules ${wrong} match no layer of the model`, {
    hint: `The layers are ${layerEndings(layers).join(', ')}, each in blocks such as ${layers.at(-1)?.name}.`,
    value: spec,
  })
}

/** Layers as one would name them for all blocks: `attn.c_attn`. */
export const layerEndings = (layers: readonly TargetLayer[]): string[] => [
  ...new Set(layers.map(({ name, kind }) => (kind === 'embedding' ? name : name.split('.').slice(-2).join('.')))),
]

/** The trained pair of one layer, and its factor: ranks and scales may differ from layer to layer. */
export interface LoraLayer {
  /** A, `[in, r]`. */
  a: TensorData
  /** B, `[r, out]`. */
  b: TensorData
  /** The factor s of s·A·B. */
  scaling: number
  /** Whether the layer is an embedding, whose rows of A are looked up. */
  embedding?: true
}

/** Rank of a layer. */
export const rankOf = ({ a }: LoraLayer): number => a.shape[1] ?? 0

/** Largest rank of an adapter's layers. */
export const largestRank = ({ layers }: { layers: ReadonlyMap<string, LoraLayer> }): number =>
  Math.max(1, ...Array.from(layers.values(), rankOf))

/** ΔW = s·A·B, `[in, out]`, or as a weight of another layout lies: the one definition, which merging, export and tests use. */
export function loraDelta({ a, b, scaling }: LoraLayer, layout: Layout = 'in-out'): TensorData {
  // (s·A·B)ᵀ = s·Bᵀ·Aᵀ
  const [left, right] = layout === 'in-out' ? [a, b] : [transpose(b), transpose(a)]
  const [rows = 0, rank = 0] = left.shape
  const columns = right.shape[1] ?? 0
  const delta = new Float32Array(rows * columns)
  for (let i = 0; i < rows; i++) {
    const row = delta.subarray(i * columns, (i + 1) * columns)
    for (let k = 0; k < rank; k++) {
      // Row by row of the right: the inner loop walks both arrays in memory order. All indices are within the shapes.
      const factor = scaling * left.data[i * rank + k]!
      const rowOfRight = right.data.subarray(k * columns, (k + 1) * columns)
      for (let j = 0; j < columns; j++) row[j]! += factor * rowOfRight[j]!
    }
  }
  return { shape: [rows, columns], data: delta }
}

/** The weights that an adapter puts in the place of the base's: its head, and the modules that were trained whole. */
export function replaceWeights(weights: TensorMap, { head, saved }: PeftAdapter): TensorMap {
  const kept = head.size > 0 ? [...weights].filter(([name]) => !isHead(name)) : weights
  return new Map([...kept, ...head, ...saved])
}

/**
 * The weights with an adapter folded in: `W + ΔW` for its layers, its head, and the modules that it replaces. The rest is
 * shared, nothing is changed in place.
 * @param config of the base
 * @throws GraftError `adapter` for a layer that the weights do not have in its shape
 */
export function mergeLora(weights: TensorMap, adapter: PeftAdapter, config: ModelConfig): TensorMap {
  const copies: TensorMap = new Map(weights)
  for (const name of adapter.layers.keys()) {
    const weight = weights.get(`${name}.weight`)
    if (weight) copies.set(`${name}.weight`, { shape: weight.shape, data: weight.data.slice() })
  }
  return mergeInPlace(copies, adapter, config)
}

/**
 * The same without a second copy of the weights: the values of the given ones change.
 * @throws GraftError `adapter` for a layer that the weights do not have in its shape
 */
export function mergeInPlace(weights: TensorMap, adapter: PeftAdapter, config: ModelConfig): TensorMap {
  const merged = replaceWeights(weights, adapter)
  const layouts = new Map(adaptableLayers(config).map(({ name, layout }) => [name, layout]))
  for (const [name, layer] of adapter.layers) {
    const weight = merged.get(`${name}.weight`)
    const { shape, data } = loraDelta(layer, layouts.get(name))
    if (!weight || String(weight.shape) !== String(shape)) {
      const found = weight ? `is [${weight.shape.join(', ')}] in the base` : 'is not in the base'
      throw new GraftError('adapter', `${name} [${shape.join(', ')}] of the adapter ${found}`, {
        hint: 'Use the base that the adapter was trained on.',
        value: name,
      })
    }
    for (let at = 0; at < data.length; at++) weight.data[at]! += data[at]! // same shape
  }
  return merged
}
