/** The learning rate rises in a line, falls in a line or half a cosine, and is never zero while steps are done. */
import { describe, expect, it } from 'vitest'
import { type Decay, learningRateAt } from '../../src/train/schedule.ts'

const rates = (warmup: number, totalSteps: number, learningRate = 1, decay: Decay = 'linear') =>
  Array.from({ length: totalSteps }, (_, at) => learningRateAt(at + 1, { learningRate, warmup, decay, totalSteps }))

describe('learningRateAt', () => {
  it('warms up to the highest rate, then decays', () => {
    const expected = [0.5, 1, 0.8, 0.6, 0.4, 0.2]
    for (const [at, rate] of rates(1 / 3, 6).entries()) expect(rate).toBeCloseTo(expected[at]!, 12)
  })

  it('falls along half a cosine, slowest at both ends', () => {
    const values = rates(0.2, 10, 1, 'cosine')
    for (const [at, rate] of values.slice(2).entries()) {
      expect(rate).toBeCloseTo((1 + Math.cos((Math.PI * (at + 1)) / 9)) / 2, 12)
    }
    expect(values.slice(0, 2)).toEqual([0.5, 1])
  })

  it('decays from the first step on without warm-up, and only warms up with a share of 1', () => {
    expect(rates(0, 4)).toEqual([0.8, 0.6, 0.4, 0.2])
    expect(rates(1, 4)).toEqual([0.25, 0.5, 0.75, 1])
  })

  it.each([
    [0, 1],
    [0, 7],
    [0.1, 4],
    [0.1, 35],
    [0.5, 1],
    [0.5, 9],
    [0.99, 10],
    [1, 1],
    [1, 20],
  ])('rises to one peak and falls, above 0 all along: warm-up %d of %d steps', (warmup, totalSteps) => {
    const values = rates(warmup, totalSteps, 3e-4)
    const highest = Math.max(...values)
    const peak = values.indexOf(highest)
    const rises = values.slice(1).map((rate, at) => rate > values[at]!)
    expect(Math.min(...values)).toBeGreaterThan(0)
    expect(highest).toBeLessThanOrEqual(3e-4)
    expect(rises).toEqual(rises.map((_, at) => at < peak))
  })
})
