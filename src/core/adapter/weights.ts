/** `adapter_model.safetensors`: PEFT's names, and its orientation: A `[r, in]` and B `[out, r]`, ours transposed. */
import type { PeftAdapter } from '../adapter.ts'
import { GraftError } from '../errors.ts'
import { headModules } from '../families.ts'
import { isHead } from '../layers.ts'
import type { LoraLayer } from '../lora.ts'
import { parseSafetensors, serializeSafetensors } from '../safetensors.ts'
import { type TensorData, type TensorMap, firstNonFinite, transpose } from '../tensors.ts'
import type { AdapterConfig } from './config.ts'
import type { LayerRules } from './layers.ts'
import { type AdapterTensor, adapterTensors } from './tensors.ts'

type AdapterWeights = Pick<PeftAdapter, 'layers' | 'head' | 'saved'>

/** What PEFT puts before the names of a model's tensors. */
export const PEFT_PREFIX = 'base_model.model.'

/** A linear layer's pair; an embedding's, which PEFT names otherwise. */
const loraPattern = /^(.+)\.lora_(?:[AB]\.weight|(embedding)_[AB])$/

const fault = (file: string, problem: string) =>
  new GraftError('adapter', `${file}: ${problem}`, {
    hint: 'Make the adapter again with `graft train`; of PEFT, LoRA adapters of the linear layers and of the token embedding are supported.',
    file,
  })

/** Not a tensor that an adapter of linear layers has. */
const isForeign = (name: string) => /(^|\.)lora_(?:\w+)(\.|$)|\.base_layer\./.test(name)

/**
 * Reads the tensors of an adapter, whatever its configuration says of them.
 * @returns by their names in the model that PEFT saw
 * @throws GraftError `adapter`, `safetensors`
 */
export function readTensors(bytes: Uint8Array, file: string): TensorMap {
  const tensors: TensorMap = new Map()
  for (const [key, tensor] of parseSafetensors(bytes, file).tensors) {
    const name = key.startsWith(PEFT_PREFIX) ? key.slice(PEFT_PREFIX.length) : undefined
    if (name === undefined || (isForeign(name) && !loraPattern.test(name)))
      throw fault(file, `unexpected tensor ${key}`)
    const wrong = firstNonFinite(tensor.data)
    if (wrong !== undefined) throw fault(file, `${key} holds ${wrong}`)
    tensors.set(name, tensor)
  }
  return tensors
}

/** Finds a tensor, and checks that it is a matrix with `size` rows (axis 0) or columns (axis 1), if given. */
function matrix(tensors: TensorMap, name: string, file: string, axis: 0 | 1 = 0, size?: number): TensorData {
  const tensor = tensors.get(name)
  if (!tensor) throw fault(file, `${PEFT_PREFIX}${name} is missing`)
  const { shape } = tensor
  if (shape.length === 2 && (size === undefined || shape[axis] === size)) return tensor
  const expected = size === undefined ? 'a matrix' : `a matrix with r = ${size} ${axis === 0 ? 'rows' : 'columns'}`
  throw fault(file, `${PEFT_PREFIX}${name} is [${shape.join(', ')}], not ${expected}`)
}

/** What is trained whole is there, and nothing that is there is for nothing. */
function checkWhole(
  { layers, head, saved }: AdapterWeights,
  config: AdapterConfig,
  names: string[],
  file: string,
): void {
  for (const name of saved.keys()) {
    const layer = name.replace(/\.\w+$/, '')
    if (layers.has(layer)) throw fault(file, `${PEFT_PREFIX}${name} is there whole, and an adapter of it too`)
  }
  const entries = config.modules_to_save ?? []
  // PEFT names the heads of all model families, whichever the model has.
  const heads = entries.filter((entry) => headModules.has(entry))
  const others = entries.filter((entry) => !headModules.has(entry))
  const missing =
    others.find((entry) => !names.some((name) => isPartOf(name, entry))) ?? (head.size === 0 ? heads[0] : undefined)
  if (missing !== undefined)
    throw fault(file, `it has no tensor of ${JSON.stringify(missing)}, which modules_to_save names`)
}

/** Whether a tensor lies in a module that a text is the end of, which is how PEFT finds what it trains whole. */
const isPartOf = (name: string, entry: string): boolean =>
  name.split('.').some((_, at, parts) => at > 0 && parts.slice(0, at).join('.').endsWith(entry))

/** The largest absolute value. */
function largest({ data }: TensorData): number {
  let most = 0
  for (let at = 0; at < data.length; at++) most = Math.max(most, Math.abs(data[at]!)) // within the data
  return most
}

/** ΔW is at most |s|·r·max|A|·max|B|, whose square single precision has to hold: layer norms square what comes of it. */
function checkSize(name: string, { a, b, scaling }: LoraLayer, file: string): void {
  const bound = Math.abs(scaling) * (a.shape[1] ?? 0) * largest(a) * largest(b)
  if (Number.isFinite(Math.fround(scaling)) && Number.isFinite(Math.fround(bound * bound))) return
  throw fault(file, `${name} with its scale of ${scaling.toPrecision(3)} is too large for single precision`)
}

/**
 * The weights of an adapter's tensors.
 * @param rules give each layer's rank and scale
 * @throws GraftError `adapter`
 */
export function toWeights(
  tensors: TensorMap,
  { config, rules, file }: { config: AdapterConfig; rules: LayerRules; file: string },
): AdapterWeights {
  const weights: AdapterWeights = { layers: new Map(), head: new Map(), saved: new Map() }
  for (const [key, tensor] of tensors) {
    const [, name, embedding] = loraPattern.exec(key) ?? []
    if (name === undefined) {
      ;(isHead(key) ? weights.head : weights.saved).set(key, tensor)
      continue
    }
    const layer = weights.layers.get(name) ?? readLayer(tensors, name, embedding !== undefined)
    if (!tensorsOf(name, layer).some(({ peftName }) => peftName === key))
      throw fault(file, `unexpected tensor ${PEFT_PREFIX}${key}`)
    weights.layers.set(name, layer)
  }
  checkWhole(weights, config, [...tensors.keys()], file)
  return weights

  function readLayer(tensors: TensorMap, name: string, embedding: boolean): LoraLayer {
    const rank = rules.rank(name)
    const [a, b] = adapterTensors({ name, kind: embedding ? 'embedding' : 'linear' })
    const layer = {
      a: transpose(matrix(tensors, a.peftName, file, 0, rank)),
      b: transpose(matrix(tensors, b.peftName, file, 1, rank)),
      scaling: rules.scaling(name),
      ...(embedding && { embedding: true as const }),
    }
    checkSize(name, layer, file)
    return layer
  }
}

const tensorsOf = (name: string, { embedding }: LoraLayer): readonly AdapterTensor[] =>
  adapterTensors({ name, kind: embedding ? 'embedding' : 'linear' })

/** Writes the weights. */
export function serializeWeights({ layers, head, saved }: AdapterWeights): Uint8Array {
  const tensors: TensorMap = new Map([...saved, ...head])
  for (const [name, layer] of layers) {
    for (const { part, peftName } of tensorsOf(name, layer)) tensors.set(peftName, transpose(layer[part]))
  }
  const keyed: TensorMap = new Map([...tensors].map(([name, tensor]) => [`${PEFT_PREFIX}${name}`, tensor]))
  return serializeSafetensors(keyed, { format: 'pt' })
}
