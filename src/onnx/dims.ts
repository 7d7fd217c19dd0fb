/**
 * Symbolic sizes. A dimension is a number, or a product such as `"batch"` or `"8*batch*sequence"`: a coefficient and
 * symbols in alphabetical order, so that equal dimensions are equal strings.
 */
export type Dim = number | string

interface Product {
  coefficient: number
  symbols: string[]
}

function parse(dim: Dim): Product {
  if (typeof dim === 'number') return { coefficient: dim, symbols: [] }
  const factors = dim.split('*')
  const head = Number(factors[0])
  return Number.isNaN(head) ? { coefficient: 1, symbols: factors } : { coefficient: head, symbols: factors.slice(1) }
}

function print({ coefficient, symbols }: Product): Dim {
  if (symbols.length === 0 || coefficient === 0) return coefficient
  const product = symbols.toSorted().join('*')
  return coefficient === 1 ? product : `${coefficient}*${product}`
}

/** The product of dimensions; 1 for none. */
export function multiply(dims: readonly Dim[]): Dim {
  const factors = dims.map(parse)
  return print({
    coefficient: factors.reduce((product, { coefficient }) => product * coefficient, 1),
    symbols: factors.flatMap(({ symbols }) => symbols),
  })
}

/** The sum of dimensions of the same symbols (zeros aside), or undefined where they differ. */
export function add(dims: readonly Dim[]): Dim | undefined {
  const terms = dims.filter((dim) => dim !== 0).map(parse)
  const [{ symbols } = { symbols: [] }] = terms
  if (terms.some((term) => String(term.symbols) !== String(symbols))) return undefined
  return print({ coefficient: terms.reduce((sum, { coefficient }) => sum + coefficient, 0), symbols })
}

/** `a / b`, or undefined where the division leaves a rest. */
export function divide(a: Dim, b: Dim): Dim | undefined {
  const numerator = parse(a)
  const denominator = parse(b)
  const symbols = [...numerator.symbols]
  for (const symbol of denominator.symbols) {
    const at = symbols.indexOf(symbol)
    if (at < 0) return undefined
    symbols.splice(at, 1)
  }
  const coefficient = numerator.coefficient / denominator.coefficient
  return Number.isInteger(coefficient) ? print({ coefficient, symbols }) : undefined
}

/** The number that a dimension is, given its symbols' numbers. */
export function evaluate(dim: Dim, numberOf: (symbol: string) => number): number {
  const { coefficient, symbols } = parse(dim)
  return symbols.reduce((product, symbol) => product * numberOf(symbol), coefficient)
}

/** The symbols and the numeric coefficient whose product a dimension is. */
export const factorsOf = (dim: Dim): Product => parse(dim)

export const isStatic = (shape: readonly Dim[]): shape is readonly number[] =>
  shape.every((dim) => typeof dim === 'number')
