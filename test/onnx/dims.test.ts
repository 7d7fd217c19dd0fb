/** Symbolic sizes behave like the products of numbers that they stand for. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Dim, StandIns, add, divide, isStatic, multiply } from '../../src/onnx/dims.ts'

const SIZES = { batch: 17, heads: 23, sequence: 19 }
const standIns = new StandIns(new Map(Object.entries(SIZES)))

const symbol = fc.constantFrom(...Object.keys(SIZES))
/** Coefficients that no stand-in divides. */
const coefficient = fc.integer({ min: 1, max: 16 })
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
      return sum === undefined || standIns.toNumber(sum) === standIns.toNumber(a) + standIns.toNumber(b)
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

  it('multiplied back gives the numerator', () => {
    const law = (a: Dim, b: Dim) => {
      const quotient = divide(a, b)
      return quotient === undefined || multiply([quotient, b]) === a
    }
    expect(counterexample(law)).toBeNull()
  })
})

describe('stand-ins', () => {
  it('map a dimension to a number and back', () => {
    expect(counterexample((a) => standIns.toDim(standIns.toNumber(a)) === a)).toBeNull()
  })

  it('map products to products', () => {
    expect(
      counterexample((a, b) => standIns.toNumber(multiply([a, b])) === standIns.toNumber(a) * standIns.toNumber(b)),
    ).toBeNull()
  })

  it.each([0, -1, -17, 0.5, Number.NaN, Infinity])('leave %d as it is', (number) => {
    expect(standIns.toDim(number)).toBe(number)
  })

  it('refuse a symbol that no input has', () => {
    expect(() => standIns.toNumber('2*rows')).toThrow('the size "rows" is not a dimension of any input')
  })

  it('tell static shapes', () => {
    expect(isStatic([2, 3])).toBe(true)
    expect(isStatic([2, 'batch'])).toBe(false)
  })
})
