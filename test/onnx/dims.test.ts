/** Symbolic sizes behave like the products of numbers that they stand for. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Dim, add, divide, evaluate, isStatic, multiply } from '../../src/onnx/dims.ts'

const SIZES: Record<string, number> = { batch: 2, heads: 12, sequence: 17 }
const numberOf = (dim: Dim) => evaluate(dim, (symbol) => SIZES[symbol] ?? Number.NaN)

const symbol = fc.constantFrom(...Object.keys(SIZES))
const coefficient = fc.integer({ min: 1, max: 60 })
const dim: fc.Arbitrary<Dim> = fc
  .tuple(coefficient, fc.array(symbol, { maxLength: 3 }))
  .map(([number, symbols]) => multiply([number, ...symbols]))

/** Dimensions for which a law does not hold; null where none were found. */
const counterexample = (law: (a: Dim, b: Dim, c: Dim) => boolean) =>
  fc.check(fc.property(dim, dim, dim, law)).counterexample

describe('products', () => {
  it('print in one way only', () => {
    expect(multiply(['sequence', 8, 'batch'])).toBe('8*batch*sequence')
    expect(multiply([4, '2*sequence', 'batch'])).toBe('8*batch*sequence')
    expect(multiply([1, 'batch'])).toBe('batch')
    expect(multiply([0, 'batch'])).toBe(0)
    expect(multiply([])).toBe(1)
  })

  it('do not depend on order or grouping', () => {
    expect(counterexample((a, b) => multiply([a, b]) === multiply([b, a]))).toBeNull()
    expect(counterexample((a, b, c) => multiply([multiply([a, b]), c]) === multiply([a, multiply([b, c])]))).toBeNull()
  })

  it('are undone by division', () => {
    expect(counterexample((a, b) => divide(multiply([a, b]), b) === a)).toBeNull()
  })
})

describe('sums', () => {
  it('add like dimensions', () => {
    expect(add([2, 3])).toBe(5)
    expect(add(['batch', 0, '2*batch'])).toBe('3*batch')
    expect(add([])).toBe(0)
  })

  it('of others are undefined', () => {
    expect(add(['batch', 1])).toBeUndefined()
    expect(add(['batch', 'sequence'])).toBeUndefined()
  })

  it('are what the numbers add up to', () => {
    const law = (a: Dim, b: Dim) => {
      const sum = add([a, b])
      return sum === undefined || numberOf(sum) === numberOf(a) + numberOf(b)
    }
    expect(counterexample(law)).toBeNull()
  })
})

describe('division', () => {
  it('that leaves a rest is undefined', () => {
    expect(divide('3*batch', 2)).toBeUndefined()
    expect(divide('batch', 'sequence')).toBeUndefined()
    expect(divide(4, 'batch')).toBeUndefined()
    expect(divide('batch', 'batch*batch')).toBeUndefined()
  })

  it('of numbers is that of products', () => {
    expect(counterexample((a, b) => numberOf(multiply([a, b])) === numberOf(a) * numberOf(b))).toBeNull()
  })

  it('multiplied back gives the numerator', () => {
    const law = (a: Dim, b: Dim) => {
      const quotient = divide(a, b)
      return quotient === undefined || multiply([quotient, b]) === a
    }
    expect(counterexample(law)).toBeNull()
  })
})

it('static shapes are told', () => {
  expect(isStatic([2, 3])).toBe(true)
  expect(isStatic([2, 'batch'])).toBe(false)
})
