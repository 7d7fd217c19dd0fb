/** The learning rate rises in a line, falls in a line or half a cosine, and is never zero; evaluations are not too many. */
import { describe, expect, it } from 'vitest'
import { type Decay, type EvaluationSchedule, isEvaluatedAfter, learningRateAt } from '../../src/train/schedule.ts'

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

describe('isEvaluatedAfter', () => {
  const evaluated = (schedule: EvaluationSchedule) =>
    Array.from({ length: schedule.totalSteps }, (_, at) => at + 1).filter((step) => isEvaluatedAfter(step, schedule))

  it('is so at the end of each epoch', () => {
    expect(evaluated({ totalSteps: 18, stepsPerEpoch: 6 })).toEqual([6, 12, 18])
  })

  it('is so at the end of a run that is not a whole number of epochs', () => {
    expect(evaluated({ totalSteps: 15, stepsPerEpoch: 6 })).toEqual([6, 12, 15])
    expect(evaluated({ totalSteps: 4, stepsPerEpoch: 6 })).toEqual([4])
  })

  it('is so twenty times at most where epochs are short and many', () => {
    expect(evaluated({ totalSteps: 600, stepsPerEpoch: 30 })).toHaveLength(20)
    expect(evaluated({ totalSteps: 600, stepsPerEpoch: 3 })).toEqual(
      Array.from({ length: 20 }, (_, at) => 30 * (at + 1)),
    )
    for (const stepsPerEpoch of [1, 7, 29, 31, 59]) {
      const steps = evaluated({ totalSteps: 600, stepsPerEpoch })
      expect(steps.length).toBeGreaterThan(9)
      expect(steps.length).toBeLessThanOrEqual(20)
    }
  })

  it('is so every so many steps too, where that is asked for', () => {
    expect(evaluated({ totalSteps: 18, stepsPerEpoch: 6, evalEvery: 4 })).toEqual([4, 6, 8, 12, 16, 18])
    expect(evaluated({ totalSteps: 12, stepsPerEpoch: 6, evalEvery: 0 })).toEqual([6, 12])
  })
})
