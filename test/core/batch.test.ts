/** Batches: padding, masks, and buckets that use every row once with little padding. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bucketBatches, padBatch } from '../../src/core/batch.ts'
import { createRandom } from '../../src/core/random.ts'

describe('padBatch', () => {
  it('pads on the right to the longest row', () => {
    expect(padBatch([[5, 6, 7], [8]], 9)).toEqual({
      inputIds: Int32Array.of(5, 6, 7, 8, 9, 9),
      attentionMask: Int32Array.of(1, 1, 1, 1, 0, 0),
      rows: 2,
      length: 3,
    })
  })

  it('makes an empty row a single pad token that counts', () => {
    expect(padBatch([[], [8, 8]], 9)).toMatchObject({
      inputIds: Int32Array.of(9, 9, 8, 8),
      attentionMask: Int32Array.of(1, 0, 1, 1),
    })
    expect(padBatch([[]], 9)).toEqual({
      inputIds: Int32Array.of(9),
      attentionMask: Int32Array.of(1),
      rows: 1,
      length: 1,
    })
  })
})

describe('bucketBatches', () => {
  const lengthsAndSize = [fc.array(fc.nat(300), { maxLength: 400 }), fc.integer({ min: 1, max: 20 })] as const

  it('holds every row once, in full batches but one', () => {
    fc.assert(
      fc.property(...lengthsAndSize, fc.boolean(), (lengths, batchSize, shuffled) => {
        const batches = bucketBatches(lengths, { batchSize, random: shuffled ? createRandom(1) : undefined })
        expect(batches.flat().toSorted((a, b) => a - b)).toEqual(lengths.map((_, index) => index))
        expect(batches.filter((batch) => batch.length !== batchSize).length).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('is by length without random, and otherwise new at each call but the same for a seed', () => {
    expect(bucketBatches([3, 1, 2, 1, 9], { batchSize: 2 })).toEqual([[1, 3], [2, 0], [4]])
    const lengths = Array.from({ length: 100 }, (_, i) => i)
    const random = createRandom(1)
    const first = bucketBatches(lengths, { batchSize: 4, random })
    expect(bucketBatches(lengths, { batchSize: 4, random })).not.toEqual(first)
    expect(bucketBatches(lengths, { batchSize: 4, random: createRandom(1) })).toEqual(first)
  })

  it('mixes windows: equal rows do not always share a batch', () => {
    const lengths = Array.from({ length: 1_000 }, (_, i) => i % 50)
    const partners = new Set<number>()
    const random = createRandom(1)
    for (let epoch = 0; epoch < 50; epoch++) {
      const batch = bucketBatches(lengths, { batchSize: 4, random }).find((rows) => rows.includes(0)) ?? []
      for (const row of batch) partners.add(row)
    }
    expect(partners.size).toBeGreaterThan(30)
  })

  it('leaves little padding where lengths are those of text messages', () => {
    const random = createRandom(1)
    // Log-normal with median 17 tokens and a 95th percentile of about 52, as the SMS Spam Collection's.
    const lengths = Array.from({ length: 5_000 }, () => Math.ceil(17 * Math.exp(0.68 * random.normal())))
    const tokens = lengths.reduce((sum, length) => sum + length)
    const padded = (batches: number[][]) =>
      batches.reduce((sum, batch) => sum + batch.length * Math.max(...batch.map((row) => lengths[row]!)), 0)
    const paddingShare = (batches: number[][]) => 1 - tokens / padded(batches)
    expect(paddingShare(bucketBatches(lengths, { batchSize: 8 }))).toBeLessThan(0.01)
    expect(paddingShare(bucketBatches(lengths, { batchSize: 8, random }))).toBeLessThan(0.1)
    // Unsorted batches, and padding to the longest of all, for comparison.
    const unsorted = Array.from({ length: 625 }, (_, batch) => Array.from({ length: 8 }, (_, row) => 8 * batch + row))
    expect(paddingShare(unsorted)).toBeGreaterThan(0.4)
    expect(paddingShare([lengths.map((_, row) => row)])).toBeGreaterThan(0.8)
  })
})
