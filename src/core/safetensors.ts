/** Reads and writes safetensors, the file format of weights (https://github.com/huggingface/safetensors#format). */
import { decoders, encoders } from './safetensors/dtypes.ts'
import { type TensorEntry, fault, parseHeader, serializeHeader } from './safetensors/header.ts'
import { type TensorMap, sizeOf } from './tensors.ts'

export interface ParseOptions {
  /** Tensors to leave out: they may then be of any element type. */
  skip?: (name: string) => boolean
}

/**
 * Reads a whole file. F32, F16 and BF16 become float32, copied out of `bytes`.
 * @param file named in errors
 * @throws GraftError `safetensors` for a file that breaks a rule of the format, or a tensor of another element type
 */
export function parseSafetensors(
  bytes: Uint8Array,
  file: string,
  { skip = () => false }: ParseOptions = {},
): { tensors: TensorMap; metadata: Record<string, string> } {
  const { tensors: entries, metadata, dataStart } = parseHeader(bytes, file)
  const tensors: TensorMap = new Map()
  for (const [name, entry] of entries) {
    if (skip(name)) continue
    const decode = decoderOf(entry, name, file)
    const data = new Float32Array(sizeOf(entry.shape))
    const [start, end] = entry.data_offsets
    decode(bytes.subarray(dataStart + start, dataStart + end), data)
    tensors.set(name, { shape: entry.shape, data })
  }
  return { tensors, metadata }
}

/**
 * What reads a tensor's bytes, or a part of them, as float32.
 * @throws GraftError `safetensors` for an element type that is not supported
 */
export function decoderOf({ dtype }: TensorEntry, name: string, file: string) {
  const decode = decoders[dtype]
  if (!decode) throw fault(file, `${JSON.stringify(name)} is ${dtype}; F32, F16 and BF16 are supported`)
  return decode
}

/**
 * Writes tensors as the reference implementation does, byte for byte: in the order of their names, compact JSON,
 * padded with spaces so that the data begin at a multiple of 8.
 * @param metadata free text by name; Hugging Face's loaders want `{ format: 'pt' }`
 * @param dtype how the elements are stored; F16 rounds to the nearest, and to infinity from 65,520 on
 */
export function serializeSafetensors(
  tensors: TensorMap,
  metadata?: Record<string, string>,
  dtype: keyof typeof encoders = 'F32',
): Uint8Array {
  const inOrder: TensorMap = new Map([...tensors].sort(([a], [b]) => (a < b ? -1 : 1)))
  const { header, dataBytes } = serializeHeader(
    [...inOrder].map(([name, { shape }]) => [name, { dtype, shape }]),
    metadata,
  )
  const bytes = new Uint8Array(header.length + dataBytes)
  bytes.set(header)
  let position = header.length
  for (const { data } of inOrder.values()) {
    const encoded = encoders[dtype](data)
    bytes.set(encoded, position)
    position += encoded.length
  }
  return bytes
}
