/** A hundred thousand damaged safetensors files: each is refused with a GraftError, or is valid after all. */
import { expect, it } from 'vitest'
import { GraftError } from '../../../src/core/errors.ts'
import { parseSafetensors } from '../../../src/core/safetensors.ts'
import { sizeOf } from '../../../src/core/tensors.ts'
import { damagedFiles } from './mutate.ts'

const bytesPerElement: Record<string, number> = { F32: 4, F16: 2, BF16: 2 }

const keyCount = (value: unknown): number =>
  value instanceof Object
    ? Object.values(value).reduce(
        (count, child) => count + keyCount(child),
        Array.isArray(value) ? 0 : Object.keys(value).length,
      )
    : 0

/** The format's rules once more, in another way than the reader's: keys are counted, and every byte of the data is marked. */
function followsTheRules(bytes: Uint8Array, { tensors, metadata }: ReturnType<typeof parseSafetensors>): boolean {
  const end = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, end))
  const json: object = JSON.parse(text)
  const keysInText = [...text.matchAll(/"(?:[^"\\]|\\.)*"\s*:/g)].length
  const entries = Object.entries(json).filter(([name]) => name !== '__metadata__')
  const owners = new Uint8Array(bytes.length - end)
  const fits = entries.every(([name, { dtype, shape, data_offsets }]) => {
    const [from, to] = data_offsets
    for (let byte = from; byte < to && byte < owners.length; byte++) owners[byte]! += 1 // in range
    const bytesTaken = sizeOf(shape) * (bytesPerElement[dtype] ?? NaN)
    return to <= owners.length && to - from === bytesTaken && tensors.get(name)?.data.length === sizeOf(shape)
  })
  const metadataIsText = Object.values(metadata).every((value) => typeof value === 'string')
  const sameCounts = entries.length === tensors.size && keysInText === keyCount(json)
  return fits && metadataIsText && sameCounts && owners.every((count) => count === 1)
}

/** What became of a file; an exception of another kind fails the test. */
function outcome(bytes: Uint8Array): string {
  try {
    return followsTheRules(bytes, parseSafetensors(bytes, 'x')) ? 'valid' : 'read against the rules'
  } catch (error) {
    if (!(error instanceof GraftError) || error.code !== 'safetensors') throw error
    return error.message.replace(/"(\\.|[^"\\])*"|\d+/g, '_').slice(0, 60)
  }
}

it('refuses each with a GraftError or reads it right', { timeout: 60_000 }, () => {
  const counts = new Map<string, number>()
  const files = damagedFiles(1)
  for (let index = 0; index < 100_000; index++) {
    const result = outcome(files.next().value)
    counts.set(result, (counts.get(result) ?? 0) + 1)
  }
  expect(counts.get('read against the rules')).toBeUndefined()
  // The damage is of many kinds, and part of it harmless, or the test shows little.
  expect(counts.get('valid')).toBeGreaterThan(1_000)
  expect(counts.size).toBeGreaterThan(30)
})
