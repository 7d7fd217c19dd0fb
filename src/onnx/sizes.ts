/**
 * Tells symbolic sizes from fixed ones. TensorFlow.js needs numbers for sizes, so the traced function runs several times,
 * and in each run a symbol is another number. What is the same number in all runs is fixed, whatever it is; what differs
 * comes from a size, and of which one is read from how it differs. No number is looked at by itself, so none can be taken
 * for a size by chance.
 */
import { GraftError } from '../core/errors.ts'
import { type Dim, evaluate, multiply } from './dims.ts'

/**
 * What each symbol is in the runs. Those of the first two runs are primes, all different, from which products are read
 * unambiguously: two runs give c · Π pᵉ and c · Π qᵉ, whose quotient has one set of exponents e, whatever c is. The third
 * run confirms what was read; its numbers are even, which the others' are not. Small, because TF.js builds some constants
 * of these sizes for real, but not tiny, since top-k and windows want some room.
 */
const NUMBERS: readonly (readonly [number, number, number])[] = [
  [11, 17, 12],
  [13, 23, 18],
  [19, 31, 14],
  [29, 41, 20],
  [37, 43, 16],
  [47, 61, 22],
  [53, 71, 26],
  [59, 73, 30],
  [67, 83, 28],
  [79, 97, 24],
  [89, 101, 34],
  [103, 109, 36],
]

export class Sizes {
  readonly symbols: readonly string[]
  /** How often the function has to run; once where no size is symbolic. */
  readonly runs: number
  readonly #numbers: ReadonlyMap<string, readonly number[]>

  constructor(symbols: readonly string[]) {
    this.symbols = symbols
    this.runs = symbols.length === 0 ? 1 : 3
    this.#numbers = new Map(symbols.map((symbol, at) => [symbol, NUMBERS[at] ?? tooMany(symbols)]))
  }

  /** The number that a dimension is in a run. */
  toNumber(dim: Dim, run: number): number {
    return evaluate(dim, (symbol) => this.#number(symbol, run))
  }

  /** The numbers that a shape is in a run. */
  toNumbers(shape: readonly Dim[], run: number): number[] {
    return shape.map((dim) => this.toNumber(dim, run))
  }

  /**
   * The dimension that is each of `numbers` in the run of that position; undefined where it is neither a fixed number nor
   * a product of sizes (a sum of sizes, say).
   */
  toDim(numbers: readonly number[]): Dim | undefined {
    const [first = Number.NaN, second = Number.NaN] = numbers
    if (numbers.every((number) => Object.is(number, first))) return first
    if (!numbers.every((number) => Number.isSafeInteger(number) && number > 0)) return undefined
    const powers = this.symbols.flatMap((symbol) => {
      const exponent = valuation(first, this.#number(symbol, 0)) - valuation(second, this.#number(symbol, 0))
      return Array<string>(Math.max(0, exponent)).fill(symbol)
    })
    const dim = multiply([first / this.toNumber(multiply(powers), 0), ...powers])
    return numbers.every((number, run) => this.toNumber(dim, run) === number) ? dim : undefined
  }

  /**
   * Refuses what depends on a symbolic size otherwise.
   * @throws GraftError `trace`
   */
  refuse(what: string): never {
    throw new GraftError(
      'trace',
      `the traced function depends on a symbolic size (${this.symbols.join(', ')}): ${what}`,
      {
        hint: 'Use symbolic sizes only through shapes; sums of sizes and constants computed from them cannot be traced.',
        value: this.symbols,
      },
    )
  }

  #number(symbol: string, run: number): number {
    const number = this.#numbers.get(symbol)?.[run]
    if (number !== undefined) return number
    throw new GraftError('trace', `the size "${symbol}" is not a dimension of any input`, {
      hint: 'Use a symbolic size in the shape of an input first.',
      value: symbol,
    })
  }
}

/** How often a prime divides a number. */
function valuation(number: number, prime: number): number {
  let exponent = 0
  for (let rest = number; rest % prime === 0; rest /= prime) exponent++
  return exponent
}

function tooMany(symbols: readonly string[]): never {
  throw new GraftError(
    'trace',
    `${symbols.length} symbolic sizes are more than the ${NUMBERS.length} that can be traced`,
    {
      hint: 'Give sizes that are always equal the same name, or fix some of them.',
      value: symbols,
    },
  )
}
