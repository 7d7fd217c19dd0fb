/** The sign test, McNemar's exact test where answers are right or wrong, against values of scipy.stats.binomtest; and what it takes for chance. */
import { describe, expect, it } from 'vitest'
import { coinTossProbability, compareErrors } from '../../../src/core/evaluators/compare.ts'

describe('coinTossProbability', () => {
  it.each([
    [0, 0, 1],
    [1, 0, 1],
    [5, 0, 0.0625],
    [0, 6, 0.03125],
    [10, 2, 0.03857421875],
    [7, 7, 1],
    [30, 20, 0.2026387511],
    [600, 500, 0.0028195449],
  ])('of %d against %d', (heads, tails, expected) => {
    expect(coinTossProbability(heads, tails)).toBeCloseTo(expected, 9)
  })
})

/** 0 for a right answer. */
const errors = (outcomes: string) => [...outcomes].map((outcome) => 1 - Number(outcome))

describe('compareErrors', () => {
  it.each([
    ['1'.repeat(56), `0${'1'.repeat(55)}`, 0],
    ['1'.repeat(56), '0'.repeat(5) + '1'.repeat(51), 0],
    ['1'.repeat(56), '0'.repeat(6) + '1'.repeat(50), 1],
    ['0'.repeat(6) + '1'.repeat(50), '1'.repeat(56), -1],
    // As many more, but most texts changed sides: a coin does that.
    ['1'.repeat(28) + '0'.repeat(22), '0'.repeat(28) + '1'.repeat(22), 0],
    ['', '', 0],
  ])('%s against %s: %d', (first, second, expected) => {
    expect(compareErrors(errors(first), errors(second))).toBe(expected)
  })

  it('counts texts, however far off their answers are', () => {
    const near = Array.from({ length: 8 }, () => 0.1)
    expect(compareErrors(near, [...near.slice(1).map(() => 0.2), 0.05])).toBe(0)
    expect(compareErrors([...near, 90], [...near.map(() => 0.2), 0])).toBe(1)
    expect(compareErrors(near, near)).toBe(0)
  })
})
