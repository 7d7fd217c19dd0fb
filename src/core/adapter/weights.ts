/** `adapter_model.safetensors`: PEFT's names, and its orientation: A `[r, in]` and B `[out, r]`, ours transposed. */
import type { PeftAdapter } from '../adapter.ts'
import { GraftError } from '../errors.ts'
import { TOKEN_EMBEDDING, bareName, fullName } from '../layers.ts'
import type { LoraLayer } from '../lora.ts'
import { parseSafetensors, serializeSafetensors } from '../safetensors.ts'
import { type TensorData, type TensorMap, firstNonFinite } from '../tensors.ts'
import type { AdapterConfig } from './config.ts'
import type { LayerRules } from './layers.ts'

type AdapterWeights = Pick<PeftAdapter, 'layers' | 'score' | 'saved'>

const prefix = 'base_model.model.'
const scoreName = 'score.weight'
/** A linear layer's pair; an embedding's, which PEFT names otherwise. */
const loraPattern = /^(.+)\.lora_(?:[AB]\.weight|embedding_[AB])$/

/** Names of a layer's pair. */
const pairNames = (layer: string): [a: string, b: string] =>
  layer === TOKEN_EMBEDDING
    ? [`${layer}.lora_embedding_A`, `${layer}.lora_embedding_B`]
    : [`${layer}.lora_A.weight`, `${layer}.lora_B.weight`]

/** `[rows, columns]` → `[columns, rows]` */
function transpose({ shape, data }: TensorData): TensorData {
  const [rows = 0, columns = 0] = shape
  const result = new Float32Array(data.length)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = data[row * columns + column]! // within the shape
    }
  }
  return { shape: [columns, rows], data: result }
}

const fault = (file: string, problem: string) =>
  new GraftError('adapter', `${file}: ${problem}`, {
    hint: 'Make the adapter again with `graft train`; of PEFT, LoRA adapters of the linear layers and of wte are supported.',
    file,
  })

/** Not a tensor that an adapter of linear layers has. */
const isForeign = (name: string) => /(^|\.)lora_(?:\w+)(\.|$)|\.base_layer\./.test(name)

/** Whether a tensor is named as in the bare model. */
const isBare = (name: string) => /^(h|wte|wpe|ln_f)\./.test(name)

interface ReadTensors {
  /** By their names in the model: PEFT's prefix taken off, and GPT-2's put on where the model had none. */
  tensors: TensorMap
  /** Whether the model had none. */
  bare: boolean
}

/**
 * Reads the tensors of an adapter, whatever its configuration says of them.
 * @throws GraftError `adapter`, `safetensors`
 */
export function readTensors(bytes: Uint8Array, file: string): ReadTensors {
  const tensors: TensorMap = new Map()
  const bareKeys: string[] = []
  for (const [key, tensor] of parseSafetensors(bytes, file).tensors) {
    const own = key.startsWith(prefix) ? key.slice(prefix.length) : undefined
    if (own === undefined || (isForeign(own) && !loraPattern.test(own))) throw fault(file, `unexpected tensor ${key}`)
    const name = fullName(own)
    if (tensors.has(name)) throw fault(file, `${prefix}${name} is there with and without transformer.`)
    if (isBare(own)) bareKeys.push(key)
    const wrong = firstNonFinite(tensor.data)
    if (wrong !== undefined) throw fault(file, `${key} holds ${wrong}`)
    tensors.set(name, tensor)
  }
  const whole = [...tensors.keys()].filter((name) => isBare(bareName(name)))
  const bare = bareKeys.length > 0
  if (bare && bareKeys.length < whole.length)
    throw fault(file, `${bareKeys[0]} has no transformer. in front, and others have`)
  return { tensors, bare }
}

/** Finds a tensor, and checks that it is a matrix with `size` rows (axis 0) or columns (axis 1), if given. */
function matrix(tensors: TensorMap, name: string, file: string, axis: 0 | 1 = 0, size?: number): TensorData {
  const tensor = tensors.get(name)
  if (!tensor) throw fault(file, `${prefix}${name} is missing`)
  const { shape } = tensor
  if (shape.length === 2 && (size === undefined || shape[axis] === size)) return tensor
  const expected = size === undefined ? 'a matrix' : `a matrix with r = ${size} ${axis === 0 ? 'rows' : 'columns'}`
  throw fault(file, `${prefix}${name} is [${shape.join(', ')}], not ${expected}`)
}

/** What is trained whole is there, and nothing that is there is for nothing. */
function checkWhole({ layers, saved }: AdapterWeights, config: AdapterConfig, names: string[], file: string): void {
  for (const name of saved.keys()) {
    const layer = name.replace(/\.\w+$/, '')
    if (layers.has(layer)) throw fault(file, `${prefix}${name} is there whole, and an adapter of it too`)
  }
  // PEFT names the heads of all model families, whichever the model has.
  const expected = (config.modules_to_save ?? []).filter((entry) => entry !== 'classifier')
  const missing = expected.find((entry) => !names.some((name) => isPartOf(name, entry)))
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
  const layers: AdapterWeights['layers'] = new Map()
  const saved: TensorMap = new Map()
  for (const [key, tensor] of tensors) {
    const name = loraPattern.exec(key)?.[1]
    if (name === undefined && key !== scoreName) saved.set(key, tensor)
    if (name === undefined) continue
    if (!pairNames(name).includes(key)) throw fault(file, `unexpected tensor ${prefix}${key}`)
    if (layers.has(name)) continue
    const rank = rules.rank(name)
    const [nameOfA, nameOfB] = pairNames(name)
    const a = matrix(tensors, nameOfA, file, 0, rank)
    const b = matrix(tensors, nameOfB, file, 1, rank)
    const layer = { a: transpose(a), b: transpose(b), scaling: rules.scaling(name) }
    checkSize(name, layer, file)
    layers.set(name, layer)
  }
  const weights = { layers, saved, ...(tensors.has(scoreName) && { score: matrix(tensors, scoreName, file) }) }
  checkWhole(weights, config, [...tensors.keys()], file)
  return weights
}

/** Writes the weights. */
export function serializeWeights({ layers, score, saved }: AdapterWeights): Uint8Array {
  const tensors: TensorMap = new Map(saved)
  if (score) tensors.set(scoreName, score)
  for (const [name, { a, b }] of layers) {
    const [nameOfA, nameOfB] = pairNames(name)
    tensors.set(nameOfA, transpose(a)).set(nameOfB, transpose(b))
  }
  const keyed: TensorMap = new Map([...tensors].map(([name, tensor]) => [`${prefix}${name}`, tensor]))
  return serializeSafetensors(keyed, { format: 'pt' })
}
