/** `adapter_model.safetensors`: PEFT's names, and its orientation: A `[r, in]` and B `[out, r]`, ours transposed. */
import type { PeftAdapter } from '../adapter.ts'
import { GraftError } from '../errors.ts'
import { TOKEN_EMBEDDING, fullName } from '../layers.ts'
import { parseSafetensors, serializeSafetensors } from '../safetensors.ts'
import type { TensorData, TensorMap } from '../tensors.ts'
import type { AdapterConfig } from './config.ts'
import { layerRank, layerScaling } from './layers.ts'

type AdapterWeights = Omit<PeftAdapter, 'config'>

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

/** In a plain loop, which takes an eighth of `findIndex`'s time: a server checks adapters between requests. */
function firstNonFinite(values: Float32Array): number | undefined {
  for (let at = 0; at < values.length; at++) if (!Number.isFinite(values[at])) return values[at]
  return undefined
}

const fault = (file: string, problem: string) =>
  new GraftError('adapter', `${file}: ${problem}`, {
    hint: 'Make the adapter again with `graft train`; of PEFT, LoRA adapters of the linear layers and of wte are supported.',
    file,
  })

/** Not a tensor that an adapter of linear layers has. */
const isForeign = (name: string) => /\.lora_(?:\w+)(\.|$)|\.base_layer\./.test(name)

/** Tensors by their names in the model: PEFT's prefix taken off, and GPT-2's put on where the model had none. */
function readTensors(bytes: Uint8Array, file: string): TensorMap {
  const tensors: TensorMap = new Map()
  for (const [key, tensor] of parseSafetensors(bytes, file).tensors) {
    const name = key.startsWith(prefix) ? fullName(key.slice(prefix.length)) : undefined
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
  if (!tensor) throw fault(file, `${prefix}${name} is missing`)
  const { shape } = tensor
  if (shape.length === 2 && (size === undefined || shape[axis] === size)) return tensor
  const expected = size === undefined ? 'a matrix' : `a matrix with r = ${size} ${axis === 0 ? 'rows' : 'columns'}`
  throw fault(file, `${prefix}${name} is [${shape.join(', ')}], not ${expected}`)
}

/**
 * Reads the weights.
 * @param config gives each layer's rank and scale
 * @throws GraftError `adapter`, `safetensors`
 */
export function parseWeights(bytes: Uint8Array, config: AdapterConfig, file: string): AdapterWeights {
  const tensors = readTensors(bytes, file)
  const layers: AdapterWeights['layers'] = new Map()
  const saved: TensorMap = new Map()
  for (const [key, tensor] of tensors) {
    const name = loraPattern.exec(key)?.[1]
    if (name === undefined && key !== scoreName) saved.set(key, tensor)
    if (name === undefined || layers.has(name)) continue
    const rank = layerRank(config, name)
    const [nameOfA, nameOfB] = pairNames(name)
    const a = matrix(tensors, nameOfA, file, 0, rank)
    const b = matrix(tensors, nameOfB, file, 1, rank)
    layers.set(name, { a: transpose(a), b: transpose(b), scaling: layerScaling(config, name) })
  }
  return { layers, saved, ...(tensors.has(scoreName) && { score: matrix(tensors, scoreName, file) }) }
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
