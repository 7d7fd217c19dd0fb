/** The element types of safetensors: their sizes, and reading the floating ones as float32. */

/** Bytes of one element. The format's types below one byte are not among them. */
export const dtypeBytes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const

export type Dtype = keyof typeof dtypeBytes

/** A copy, so that the values are aligned and don't keep the whole file in memory. */
const copyOf = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. */
function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** bfloat16 is the upper half of a float32. */
function decodeBfloat16(bytes: Uint8Array): Float32Array {
  const bits = Uint32Array.from(new Uint16Array(copyOf(bytes)), (half) => half << 16)
  return new Float32Array(bits.buffer)
}

/** Reads little-endian elements as float32; the types that are not here cannot be read. */
export const decoders: Partial<Record<Dtype, (bytes: Uint8Array) => Float32Array>> = {
  F32: (bytes) => new Float32Array(copyOf(bytes)),
  F16: (bytes) => Float32Array.from(new Uint16Array(copyOf(bytes)), halfToFloat),
  BF16: decodeBfloat16,
}
