/** safetensors: what is written is read back, real files are read, and each rule of the format has its error. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { GraftError } from '../../src/core/errors.ts'
import { parseSafetensors, serializeSafetensors } from '../../src/core/safetensors.ts'
import type { TensorMap } from '../../src/core/tensors.ts'
import { hasSharedData, sharedData } from '../shared-data.ts'

const tensors: TensorMap = new Map([
  ['b', { shape: [2, 3], data: new Float32Array([1, -2, 0.5, 3e38, -0, NaN]) }],
  ['a', { shape: [], data: new Float32Array([7]) }],
  ['10', { shape: [4, 0], data: new Float32Array(0) }],
  ['9 "ü"', { shape: [1], data: new Float32Array([9]) }],
])

/** A file with this header, its length put before it, and `dataBytes` bytes of data after it. */
function fileOf(header: string | object, dataBytes = 8): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  return bytes
}

/** An entry of the header. */
const entry = (dtype: string, shape: unknown, ...data_offsets: unknown[]) => ({ dtype, shape, data_offsets })

describe('round trips', () => {
  it('reads what it wrote', () => {
    const { tensors: read, metadata } = parseSafetensors(serializeSafetensors(tensors, { format: 'pt' }), 'x')
    expect(metadata).toEqual({ format: 'pt' })
    expect([...read.keys()]).toEqual(['10', '9 "ü"', 'a', 'b'])
    for (const [name, tensor] of tensors) expect(read.get(name)).toEqual(tensor)
  })

  it('lays out names in order, compact, padded with spaces to 8 bytes', () => {
    const bytes = serializeSafetensors(new Map([...tensors].filter(([name]) => name === 'a')), { format: 'pt' })
    const header = '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}'.padEnd(88)
    expect(new TextDecoder().decode(bytes.subarray(8, 96))).toBe(header)
    expect([...bytes.subarray(0, 8)]).toEqual([88, 0, 0, 0, 0, 0, 0, 0])
    expect(bytes.length).toBe(100)
  })

  it('writes and reads a file with no tensors', () => {
    expect(parseSafetensors(serializeSafetensors(new Map()), 'x')).toEqual({ tensors: new Map(), metadata: {} })
  })

  it('reads from the middle of a buffer, at any alignment, and keeps no view of it', () => {
    const file = serializeSafetensors(tensors)
    const buffer = new Uint8Array(file.length + 3)
    buffer.set(file, 3)
    const read = parseSafetensors(buffer.subarray(3), 'x').tensors
    buffer.fill(0)
    expect(read.get('b')).toEqual(tensors.get('b'))
  })
})

describe('other element types', () => {
  it('writes F16 rounded to the nearest, ties to even, and every half as it was', () => {
    const data = Float32Array.of(
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      -(2 ** -25),
      3 * 2 ** -25,
      65519,
      65520,
      -Infinity,
      NaN,
    )
    const bytes = serializeSafetensors(new Map([['x', { shape: [8], data }]]), undefined, 'F16')
    const { tensors: read } = parseSafetensors(bytes, 'x')
    const expected = [1, 1 + 2 ** -9, -0, 2 ** -23, 65504, Infinity, -Infinity, NaN]
    expect([...read.get('x')!.data]).toEqual(expected)
    const halves = fileOf({ h: entry('F16', [2 ** 16], 0, 2 ** 17) }, 2 ** 17)
    const view = new DataView(halves.buffer, halves.length - 2 ** 17)
    // Half the patterns above 0x7c00 are NaN with other bits: they are one NaN when they are written again.
    const isNaNPattern = (half: number) => (half & 0x7fff) > 0x7c00
    for (let half = 0; half < 2 ** 16; half++)
      view.setUint16(2 * half, isNaNPattern(half) ? (half & 0x8000) | 0x7e00 : half, true)
    const again = serializeSafetensors(parseSafetensors(halves, 'x').tensors, undefined, 'F16')
    const written = new DataView(again.buffer, again.length - 2 ** 17)
    const same = Array.from({ length: 2 ** 16 }, (_, half) => half).filter((half) => !isNaNPattern(half))
    expect(same.every((half) => written.getUint16(2 * half, true) === half)).toBe(true)
  })

  it('reads F16: both zeros, the smallest, the largest, infinities, NaN', () => {
    const halves = [0x0000, 0x8000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0xc000, 0x3555, 0x7bff, 0x7c00, 0xfc00, 0x7e00]
    const bytes = fileOf({ a: entry('F16', [halves.length], 0, 24) }, 24)
    const view = new DataView(bytes.buffer, bytes.length - 24)
    for (const [index, half] of halves.entries()) view.setUint16(2 * index, half, true)
    const expected = [0, -0, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 1, -2, 1365 / 4096, 65504, Infinity, -Infinity, NaN]
    expect([...parseSafetensors(bytes, 'x').tensors.get('a')!.data]).toEqual(expected) // the file has it
  })

  it('reads BF16, the upper half of a float32', () => {
    const bytes = fileOf({ a: entry('BF16', [4], 0, 8) })
    bytes.set([0x80, 0x3f, 0x00, 0xc0, 0x80, 0x7f, 0x49, 0x40], bytes.length - 8)
    expect([...parseSafetensors(bytes, 'x').tensors.get('a')!.data]).toEqual([1, -2, Infinity, 3.140625]) // the file has it
  })

  it('refuses integers by name, unless they are skipped', () => {
    const bytes = fileOf({ 'attn.bias': entry('I64', [1], 0, 8), w: entry('F32', [1], 8, 12) }, 12)
    expect(() => parseSafetensors(bytes, 'x')).toThrow('"attn.bias" is I64; F32, F16 and BF16 are supported')
    const { tensors } = parseSafetensors(bytes, 'x', { skip: (name) => name.endsWith('attn.bias') })
    expect([...tensors.keys()]).toEqual(['w'])
  })
})

describe('files that break a rule', () => {
  const ok = entry('F32', [2], 0, 8)
  const withLength = (length: bigint) => {
    const bytes = fileOf({ a: ok })
    new DataView(bytes.buffer).setBigUint64(0, length, true)
    return bytes
  }

  it.each<[string, Uint8Array, string]>([
    ['no bytes', new Uint8Array(0), '0 bytes are too few'],
    ['seven bytes', new Uint8Array(7), '7 bytes are too few'],
    ['a length past the limit', withLength(100_000_001n), 'over the limit of 100000000'],
    ['a length of 2^64 - 1', withLength(2n ** 64n - 1n), 'header of 18446744073709551615 bytes is over'],
    ['a length past the end', withLength(100_000_000n), 'header of 100000000 bytes does not fit'],
    ['no header', fileOf('', 0), 'does not begin with {'],
    ['a space before the brace', fileOf(` ${JSON.stringify({ a: ok })}`), 'does not begin with {'],
    ['a byte order mark', fileOf(`\uFEFF${JSON.stringify({ a: ok })}`), 'does not begin with {'],
    ['broken JSON', fileOf('{"a": nope}'), 'is not JSON'],
    ['an open string', fileOf('{"a'), 'is not JSON'],
    ['a backslash at the end', fileOf('{"a\\'), 'is not JSON'],
    ['a key with a bad escape', fileOf('{"\\x":1}'), 'is not JSON'],
    ['text after the object', fileOf('{} x', 0), 'is not JSON'],
    ['bytes that are not UTF-8', fileOf({ a: ok }).with(10, 0xff), 'is not JSON in UTF-8'],
    ['deep nesting', fileOf(`{"a":${'['.repeat(1e5)}`), 'nested too deeply'],
    ['a name twice', fileOf(`{"a":${JSON.stringify(ok)},"a" :${JSON.stringify(ok)}}`), 'holds "a" twice'],
    ['a name twice, escaped', fileOf(`{"a":${JSON.stringify(ok)},"\\u0061":${JSON.stringify(ok)}}`), 'holds "a" twice'],
    ['a field twice', fileOf('{"a":{"dtype":"F32","shape":[9],"shape":[2],"data_offsets":[0,8]}}'), '"shape" twice'],
    ['an entry that is no object', fileOf({ a: 1 }), '"a" is wrong'],
    ['an entry named __proto__', fileOf('{"__proto__":{}}', 0), '"__proto__" is wrong'],
    ['metadata that are not text', fileOf({ __metadata__: { a: 1 }, a: ok }), '"__metadata__" is wrong: a:'],
    ['an unknown dtype', fileOf({ a: entry('F33', [2], 0, 8) }), 'dtype: unknown dtype "F33"'],
    ['a negative size', fileOf({ a: entry('F32', [-2], 0, 8) }), '"a" is wrong: shape.0'],
    ['a fraction', fileOf({ a: entry('F32', [2.5], 0, 8) }), '"a" is wrong: shape.0'],
    ['a size past 2^53', fileOf('{"a":{"dtype":"U8","shape":[9007199254740993],"data_offsets":[0,8]}}'), 'shape.0'],
    ['three offsets', fileOf({ a: entry('F32', [2], 0, 8, 8) }), '"a" is wrong: data_offsets'],
    ['a product past 2^53', fileOf({ a: entry('F32', [2 ** 40, 2 ** 40, 0], 0, 0) }, 0), 'does not fill bytes 0 to 0'],
    ['a shape too large for its bytes', fileOf({ a: entry('F32', [3], 0, 8) }), 'F32 [3], does not fill bytes 0 to 8'],
    ['an end before its start', fileOf({ a: entry('F32', [0], 0, 0), b: entry('F32', [2], 0, -8) }), '"b" is wrong'],
    ['a first byte that nobody has', fileOf({ a: entry('F32', [1], 4, 8) }), '"a" begins at byte 4, not at 0'],
    ['an overlap', fileOf({ a: ok, b: entry('F32', [1], 4, 8) }), '"b" begins at byte 4, not at 8'],
    ['data past the end', fileOf({ a: entry('F32', [4], 0, 16) }), 'take 16 bytes, and it holds 8'],
    ['bytes after the data', fileOf({ a: ok }, 9), 'take 8 bytes, and it holds 9'],
  ])('%s', (_, bytes, message) => {
    expect(() => parseSafetensors(bytes, 'weights.bin')).toThrow(
      expect.objectContaining({ code: 'safetensors', file: 'weights.bin', message: expect.stringContaining(message) }),
    )
    expect(() => parseSafetensors(bytes, 'weights.bin')).toThrow(GraftError)
  })

  it('allows a zero-size tensor anywhere, unknown fields, and spaces', () => {
    const empty = { ...entry('F32', [0], 8, 8), note: 'x' }
    const bytes = fileOf(`${JSON.stringify({ z: empty, a: ok, y: entry('I8', [0, 5], 0, 0) }, undefined, 2)}   `)
    expect(parseSafetensors(bytes, 'x', { skip: (name) => name === 'y' }).tensors.get('z')?.shape).toEqual([0])
  })
})

const real = sharedData('peft-gpt2-lora-causal/adapter_model.safetensors')

it('reads and rewrites, byte for byte, a file that PEFT wrote', ({ skip }) => {
  if (!hasSharedData) skip('../shared/data is not here')
  const bytes = readFileSync(real)
  const { tensors, metadata } = parseSafetensors(bytes, 'real')
  expect(tensors.size).toBe(72)
  expect(metadata).toEqual({ format: 'pt' })
  expect(bytes.equals(serializeSafetensors(tensors, metadata))).toBe(true)
})
