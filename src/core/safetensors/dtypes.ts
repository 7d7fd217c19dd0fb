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

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Uint16Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** Float32 bits to the nearest binary16, ties to even. */
function floatBitsToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00 // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00 // from 65,520 on
  // Below 2^-14, halves are multiples of 2^-24: adding 0.5 makes the float's own rounding do it.
  if (magnitude < 0x38800000) return sign | (toBits(fromBits(magnitude) + 0.5) - toBits(0.5))
  const odd = (magnitude >>> 13) & 1
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13)
}

const scratch = new DataView(new ArrayBuffer(4))
function fromBits(bits: number): number {
  scratch.setUint32(0, bits)
  return scratch.getFloat32(0)
}
function toBits(value: number): number {
  scratch.setFloat32(0, value)
  return scratch.getUint32(0)
}

/** The little-endian bytes of elements, for the types that are written. */
export const encoders = {
  F32: bytesOf,
  F16: (data: Float32Array) =>
    bytesOf(Uint16Array.from(new Uint32Array(data.buffer, data.byteOffset, data.length), floatBitsToHalf)),
} satisfies Partial<Record<Dtype, (data: Float32Array) => Uint8Array>>
