/** Smaller bases: without the tokens that some texts never use, without some layers. What comes out is a base as any other. */
import { padToken } from '../core/encoder.ts'
import { GraftError } from '../core/errors.ts'
import { familyOf, modelOf, parseConfig } from '../core/families.ts'
import type { ModelConfig } from '../core/family.ts'
import { tokenEmbedding } from '../core/layers.ts'
import type { TensorData, TensorMap } from '../core/tensors.ts'
import type { OwnTokenizer, TokenizerSource } from '../core/tokenizer.ts'
import { narrowTokenizer } from '../core/tokenizer/narrow.ts'
import type { Base } from '../files/base-folder.ts'
import { sha256 } from '../files/hash.ts'
import { openTokenizer, tokenizerFilesOf } from '../files/tokenizer-files.ts'

export interface PruneOptions {
  /** Texts whose tokens are kept; without any, all tokens are. */
  texts?: readonly string[]
  /** Tokens that occur fewer times in them are not kept. By default 1. */
  minCount?: number
  /** Layers that are kept, by number from 0, in order; by default all. */
  layers?: readonly number[]
}

/** A base before it is written, or after it was read. */
export type PrunableBase = Pick<Base, 'config' | 'weights' | 'info'> & { sha256?: string; tokenizer: TokenizerSource }

export interface PruneResult {
  base: PrunableBase
  tokens: { before: number; after: number }
  layers: { before: number; after: number }
}

/**
 * Makes a smaller base. A text all of whose tokens are kept has the same tokens as before, and the same states where no layer is left
 * out; other tokens fall into smaller pieces, or, where the tokenizer has none, become unknown.
 * @throws GraftError `usage` for layers that there are not, or none; for texts that give no token; `config` for a tokenizer that is not supported
 * @example
 * import { createBase, prune } from 'graft-lora/train'
 *
 * const { tokens, layers } = await prune(
 *   { ...createBase({ layers: 4, width: 32 }, 1), tokenizer: 'gpt2' },
 *   { texts: ['win a prize', 'see you'], layers: [0, 3] },
 * )
 * console.log(tokens.after, layers.after)
 */
export async function prune(base: PrunableBase, { texts, minCount = 1, layers }: PruneOptions): Promise<PruneResult> {
  const before = modelOf(base.config).sizes
  const shallow = layers === undefined ? base : withLayers(base, layers)
  const small = texts === undefined ? shallow : await withTokensOf(shallow, texts, minCount)
  const after = modelOf(small.config).sizes
  return {
    base: { ...small, ...(base.info && { info: infoOf(base.info, base.sha256) }) },
    tokens: { before: before.vocabulary, after: after.vocabulary },
    layers: { before: before.layers, after: after.layers },
  }
}

/** Of a pretrained base what is still so: where it comes from and how adapters are trained on it, not what was measured on the whole. */
const infoOf = (info: NonNullable<Base['info']>, sha256: string | undefined): NonNullable<Base['info']> =>
  info.kind === 'base' ? { ...info, ...(sha256 !== undefined && { baseSha256: sha256 }), metrics: {} } : info

/** The fields of a configuration by which it has so many layers. */
function layerFields(config: ModelConfig, layers: number): Record<string, unknown> {
  const { fieldsOf } = familyOf(config)
  const sizes = { ...modelOf(config).sizes, inner: 1 }
  const [one, two] = [fieldsOf({ ...sizes, layers }), fieldsOf({ ...sizes, layers: layers + 1 })]
  return Object.fromEntries(Object.entries(one).filter(([name, value]) => two[name] !== value))
}

/** The number of a parameter's layer: the only number in its name. */
const LAYER = /(?<=\.)\d+(?=\.)/

function withLayers(base: PrunableBase, layers: readonly number[]): PrunableBase {
  const { sizes } = modelOf(base.config)
  const wrong = layers.find((layer, at) => layer >= sizes.layers || layer < 0 || layer <= (layers[at - 1] ?? -1))
  if (wrong !== undefined || layers.length === 0) {
    throw new GraftError('usage', `layers ${layers.join(', ') || 'none'}: the base has 0 to ${sizes.layers - 1}`, {
      hint: 'Name the layers to keep in their order, each once.',
      value: wrong ?? layers.length,
    })
  }
  const { layer_types: types } = base.config
  const config = parseConfig({
    ...base.config,
    ...layerFields(base.config, layers.length),
    // Newer configurations of Qwen name each layer's attention.
    ...(Array.isArray(types) && { layer_types: layers.map((layer) => types[layer] as unknown) }),
  })
  const places = new Map(layers.map((layer, place) => [String(layer), String(place)]))
  const weights: TensorMap = new Map()
  for (const [name, tensor] of base.weights) {
    const [layer] = LAYER.exec(name) ?? []
    const place = layer === undefined ? undefined : places.get(layer)
    if (layer === undefined) weights.set(name, tensor)
    else if (place !== undefined) weights.set(name.replace(LAYER, place), tensor)
  }
  return { ...base, config, weights }
}

async function withTokensOf(base: PrunableBase, texts: readonly string[], minCount: number): Promise<PrunableBase> {
  const { config, tokenizer: source } = base
  const { encode } = await openTokenizer(source)
  const counts = new Map<number, number>()
  for (const text of texts) {
    for (const id of encode(text).ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  const used = new Set([...counts].flatMap(([id, count]) => (count >= minCount ? [id] : [])))
  if (used.size === 0) {
    throw new GraftError('usage', `no token occurs ${minCount} times in the texts`, {
      hint: 'Give more text, or a lower --min-count.',
      value: minCount,
    })
  }
  for (const id of [padToken(config), ...namedIds(config)]) used.add(id)
  const files = source === 'gpt2' ? tokenizerFilesOf(source, config) : source.files
  const { files: narrow, ids } = narrowTokenizer(files, used)
  const tokenizer: OwnTokenizer = {
    files: narrow,
    path: 'tokenizer.json',
    sha256: sha256(narrow['tokenizer.json'] ?? ''),
  }
  const places = new Map(ids.map((id, place) => [id, place]))
  const table = `${tokenEmbedding(config)}.weight`
  const weights = new Map(
    [...base.weights].map(([name, tensor]) => [name, name === table ? rows(tensor, ids) : tensor]),
  )
  return {
    ...base,
    tokenizer,
    weights,
    config: parseConfig({ ...config, ...movedIds(config, places), vocab_size: ids.length }),
  }
}

const TOKEN_ID = /_token_id$/

/** Of the tokens that a configuration names: padding, ends. */
const namedIds = (config: ModelConfig): number[] =>
  Object.entries(config).flatMap(([name, value]) =>
    TOKEN_ID.test(name) ? [value].flat().filter((id): id is number => typeof id === 'number') : [],
  )

function movedIds(config: ModelConfig, places: ReadonlyMap<number, number>): Record<string, unknown> {
  const move = (value: unknown): unknown => (typeof value === 'number' ? places.get(value) : value)
  return Object.fromEntries(
    Object.entries(config)
      .filter(([name]) => TOKEN_ID.test(name))
      .map(([name, value]) => [name, Array.isArray(value) ? value.map(move) : move(value)]),
  )
}

function rows({ shape: [, width = 0], data }: TensorData, ids: readonly number[]): TensorData {
  const kept = new Float32Array(ids.length * width)
  ids.forEach((id, at) => kept.set(data.subarray(id * width, (id + 1) * width), at * width))
  return { shape: [ids.length, width], data: kept }
}
