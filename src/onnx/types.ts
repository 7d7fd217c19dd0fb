/** Element types: which ones the compiler knows, and what TensorFlow.js calls them. */
import { GraftError } from '../core/errors.ts'

/**
 * TF.js' `int32` is `int64` throughout: it is what ONNX wants for indices and token ids. The narrow types come in by
 * quantization only.
 */
export type ElementType = 'float32' | 'int64' | 'bool' | 'int8' | 'uint8' | 'float16'

export type TFType = 'float32' | 'int32' | 'bool'

const ELEMENT_TYPES: Readonly<Record<TFType, ElementType>> = { float32: 'float32', int32: 'int64', bool: 'bool' }
const TF_TYPES: Readonly<Partial<Record<ElementType, TFType>>> = { float32: 'float32', int64: 'int32', bool: 'bool' }

/** What TF.js calls an element type of a traced tensor. */
export function tfType(type: ElementType): TFType {
  const known = TF_TYPES[type]
  if (known) return known
  throw new GraftError('trace', `TensorFlow.js has no tensors of type ${type}`, {
    hint: 'Quantize a graph after it was traced.',
    value: type,
  })
}

/**
 * The element type for one of TF.js.
 * @throws GraftError `trace` for text and complex numbers
 */
export function elementType(dtype: string): ElementType {
  const type = ELEMENT_TYPES[dtype as TFType]
  if (type) return type
  throw new GraftError('trace', `tensors of type ${dtype} cannot be traced`, {
    hint: 'Use float32, int32 or bool.',
    value: dtype,
  })
}

/** Constants of type int64 are kept as numbers (exact up to 2^53) in a Float64Array, bools as bytes, float16 as its bits. */
export type ConstantData = Float32Array | Float64Array | Uint8Array | Int8Array | Uint16Array

export function toConstantData(type: ElementType, values: ArrayLike<number>): ConstantData {
  if (type === 'float32') return values instanceof Float32Array ? values : Float32Array.from(values)
  return type === 'int64' ? Float64Array.from(values) : Uint8Array.from(values)
}
