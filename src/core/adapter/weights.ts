/** `adapter_model.safetensors`: PEFT's names, and its orientation: A `[r, in]` and B `[out, r]`, ours transposed. */
import { GraftError } from '../errors.ts'
import type { LoraLayer } from '../lora.ts'
import { parseSafetensors, serializeSafetensors } from '../safetensors.ts'
import type { TensorData, TensorMap } from '../tensors.ts'

interface AdapterWeights {
  layers: Map<string, LoraLayer>
  score: TensorData
}

const prefix = 'base_model.model.'
const scoreKey = `${prefix}score.weight`
const loraKey = (name: string, part: 'A' | 'B') => `${prefix}${name}.lora_${part}.weight`
const loraPattern = /^base_model\.model\.(.+)\.lora_[AB]\.weight$/

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
    hint: 'Make the adapter again with `graft train`; of PEFT, LoRA adapters for text classification are supported.',
    file,
  })

/** Finds a tensor, and checks that it is a matrix of finite numbers with `size` rows (axis 0) or columns (axis 1), if given. */
function matrix(tensors: TensorMap, key: string, file: string, axis: 0 | 1 = 0, size?: number): TensorData {
  const tensor = tensors.get(key)
  if (!tensor) throw fault(file, `${key} is missing`)
  const { shape, data } = tensor
  if (shape.length !== 2 || (size !== undefined && shape[axis] !== size)) {
    const expected = size === undefined ? 'a matrix' : `a matrix with r = ${size} ${axis === 0 ? 'rows' : 'columns'}`
    throw fault(file, `${key} is [${shape.join(', ')}], not ${expected}`)
  }
  const wrong = data.findIndex((value) => !Number.isFinite(value))
  if (wrong >= 0) throw fault(file, `${key} holds ${data[wrong]}`)
  return tensor
}

/**
 * Reads the weights.
 * @param rank r of the configuration
 * @throws GraftError `adapter`, `safetensors`
 */
export function parseWeights(bytes: Uint8Array, rank: number, file: string): AdapterWeights {
  const { tensors } = parseSafetensors(bytes, file)
  const layers: AdapterWeights['layers'] = new Map()
  for (const key of tensors.keys()) {
    const name = loraPattern.exec(key)?.[1]
    if (name === undefined && key !== scoreKey) throw fault(file, `unexpected tensor ${key}`)
    if (name === undefined || layers.has(name)) continue
    const a = matrix(tensors, loraKey(name, 'A'), file, 0, rank)
    const b = matrix(tensors, loraKey(name, 'B'), file, 1, rank)
    layers.set(name, { a: transpose(a), b: transpose(b) })
  }
  return { layers, score: matrix(tensors, scoreKey, file) }
}

/** Writes the weights. */
export function serializeWeights({ layers, score }: AdapterWeights): Uint8Array {
  const tensors: TensorMap = new Map([[scoreKey, score]])
  for (const [name, { a, b }] of layers) {
    tensors.set(loraKey(name, 'A'), transpose(a)).set(loraKey(name, 'B'), transpose(b))
  }
  return serializeSafetensors(tensors, { format: 'pt' })
}
