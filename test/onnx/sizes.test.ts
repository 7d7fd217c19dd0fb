/** Symbolic sizes are read from how numbers differ between runs, whatever the fixed numbers are. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Dim, add, factorsOf, multiply } from '../../src/onnx/dims.ts'
import { Sizes } from '../../src/onnx/sizes.ts'

const SYMBOLS = ['adapters', 'batch', 'labels', 'rank', 'sequence', 'a', 'b', 'c', 'd', 'e', 'f', 'g']
const sizes = new Sizes(SYMBOLS)

/** The number that each run has for a dimension. */
const numbersOf = (dim: Dim) => Array.from({ length: sizes.runs }, (_, run) => sizes.toNumber(dim, run))

/** Fixed factors, products of the runs' own numbers among them. */
const factor = fc.oneof(
  fc.integer({ min: 1, max: 60_000 }),
  fc.constantFrom(...SYMBOLS.flatMap((symbol) => numbersOf(symbol))),
  fc.constantFrom(11 * 17, 17 * 17, 13 * 23, 19 * 31, 551, 589, 50_257),
)
const symbols = fc.array(fc.constantFrom(...SYMBOLS), { maxLength: 3 })

describe('what differs between the runs', () => {
  it('is read as the product of sizes that it is, whatever its fixed factor', () => {
    const law = fc.property(factor, symbols, (coefficient, names) => {
      const dim = multiply([coefficient, ...names])
      return sizes.toDim(numbersOf(dim)) === dim
    })
    expect(fc.check(law, { numRuns: 5000 }).counterexample).toBeNull()
  })

  it('is refused where it is a sum', () => {
    const offset = fc.integer({ min: -2000, max: 2000 })
    const factors = fc.integer({ min: 1, max: 50 })
    const law = fc.property(offset, factors, symbols, factors, symbols, (constant, f, some, g, others) => {
      const terms = [multiply([f, ...some]), multiply([g, ...others]), ...(constant === 0 ? [] : [constant])]
      const kinds = new Set(terms.map((term) => String(factorsOf(term).symbols)))
      fc.pre(kinds.size > 1 && add(terms) === undefined)
      const sums = numbersOf(1).map((_, run) => terms.reduce<number>((sum, term) => sum + sizes.toNumber(term, run), 0))
      const fixed = terms.reduce<number>((sum, term) => (typeof term === 'number' ? sum + term : sum), 0)
      fc.pre(fixed !== 0 || terms.every((term) => typeof term === 'string'))
      return sizes.toDim(sums) === undefined
    })
    expect(fc.check(law, { numRuns: 5000 }).counterexample).toBeNull()
  })

  it.each([
    ['half of', (n: number) => n / 2],
    ['the root of', Math.sqrt],
    ['the inverse of', (n: number) => 1 / n],
    ['even or odd', (n: number) => n % 2],
    ['rounded up to 8s', (n: number) => Math.ceil(n / 8)],
    ['zero for', (n: number) => n - 11],
  ])('is refused: %s a size', (_, formula) => {
    for (const symbol of SYMBOLS) {
      const dim = sizes.toDim(numbersOf(symbol).map(formula))
      expect(dim).toBeUndefined()
    }
  })
})

describe('what is the same in all runs', () => {
  it('is the number itself, whatever it is', () => {
    const numbers = [0, -0, -1, 0.5, Number.NaN, Infinity, 11, 17, 12, 11 * 13, 2 ** 53]
    for (const number of numbers) expect(sizes.toDim([number, number, number])).toBe(number)
  })

  it('needs one run where no size is symbolic', () => {
    expect(new Sizes([]).runs).toBe(1)
    expect(new Sizes([]).toDim([17])).toBe(17)
  })
})

it('a symbol that no input has is refused, and more symbols than there are numbers', () => {
  expect(() => sizes.toNumber('2*rows', 0)).toThrow('the size "rows" is not a dimension of any input')
  expect(() => new Sizes([...SYMBOLS, 'one more'])).toThrow('13 symbolic sizes are more than the 12')
})
