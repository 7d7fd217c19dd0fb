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

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. */
function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** Little-endian 16-bit elements; a copy where they are not aligned. */
function halves(bytes: Uint8Array): Uint16Array {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes)
  return new Uint16Array(buffer, byteOffset, byteLength / 2)
}

let floatsOfHalves: Float32Array | undefined

/** By way of a table of all values: a base has a hundred million of them. */
function decodeHalf(bytes: Uint8Array, into: Float32Array): void {
  const floats = (floatsOfHalves ??= Float32Array.from({ length: 0x10000 }, (_, half) => halfToFloat(half)))
  const source = halves(bytes)
  for (let at = 0; at < source.length; at++) into[at] = floats[source[at]!]! // all 16-bit numbers are in the table
}

/** bfloat16 is the upper half of a float32. */
function decodeBfloat16(bytes: Uint8Array, into: Float32Array): void {
  const source = halves(bytes)
  const bits = new Uint32Array(into.buffer, into.byteOffset, into.length)
  for (let at = 0; at < source.length; at++) bits[at] = source[at]! << 16 // within the length
}

function decodeFloat(bytes: Uint8Array, into: Float32Array): void {
  new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(bytes)
}

/** Reads little-endian elements as float32 into an array of their number; the types that are not here cannot be read. */
export const decoders: Partial<Record<Dtype, (bytes: Uint8Array, into: Float32Array) => void>> = {
  F32: decodeFloat,
  F16: decodeHalf,
  BF16: decodeBfloat16,
}
