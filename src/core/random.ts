/** Seeded random numbers: every random choice of the product comes from here, so that a seed repeats a run. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

export interface Random {
  /** The next number in [0, 1). */
  uniform(): number
  /** The next integer in [0, n), each as likely as the others. */
  integer(n: number): number
  /** The next number of the standard normal distribution. */
  normal(): number
  /** A new array with the same items in random order. */
  shuffle<T>(items: readonly T[]): T[]
  /**
   * A stream of its own for one purpose (`'dropout'`) or one part of the work (an epoch's number). It depends on the seed
   * and the label only, not on how much was drawn before: a resumed run forks what an uninterrupted one does.
   */
  fork(label: string | number): Random
}

/**
 * FNV-1a of the label's UTF-16 units, starting from the seed, and MurmurHash3's finalizer: spreads nearby seeds and
 * labels over 32 bits. (The first number of xoroshiro128+ is its seed's complement, so the bare seed won't do.)
 */
function mix(seed: number, label: string): number {
  let hash = Math.imul(seed ^ 0x811c9dc5, 0x01000193)
  for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/**
 * A stream of random numbers (xoroshiro128+).
 * @param seed an integer; its low 32 bits count
 */
export function createRandom(seed: number): Random {
  const generator = xoroshiro128plus(mix(seed, ''))
  let spare: number | undefined

  const uniform = () => uniformFloat64(generator)
  const integer = (n: number) => uniformInt(generator, 0, n - 1)

  // Marsaglia's polar method gives two numbers at a time.
  function normal(): number {
    if (spare !== undefined) {
      const value = spare
      spare = undefined
      return value
    }
    let x: number, y: number, square: number
    do {
      x = 2 * uniform() - 1
      y = 2 * uniform() - 1
      square = x * x + y * y
    } while (square >= 1 || square === 0)
    const scale = Math.sqrt((-2 * Math.log(square)) / square)
    spare = y * scale
    return x * scale
  }

  // Fisher–Yates.
  function shuffle<T>(items: readonly T[]): T[] {
    const result = [...items]
    for (let i = result.length - 1; i > 0; i--) {
      const j = integer(i + 1)
      const item = result[i]! // both indices are below the length
      result[i] = result[j]!
      result[j] = item
    }
    return result
  }

  return { uniform, integer, normal, shuffle, fork: (label) => createRandom(mix(seed, String(label))) }
}
