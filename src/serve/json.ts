/** JSON that comes from outside: UTF-8 or nothing, and no deeper, longer or wider than who reads it can bear. */

export interface JsonLimits {
  /** Arrays and objects within each other. */
  depth: number
  /** Elements of an array, and members of an object. */
  items: number
}

export interface JsonProblem {
  /** Where, as `inputs.1`; empty for the whole. */
  path: string
  /** Such as `is not JSON`. */
  message: string
}

export type ParsedJson = { value: unknown; problem?: undefined } | { value?: undefined; problem: JsonProblem }

/** Parses; says what is wrong instead of throwing. */
export function parseJson(bytes: Uint8Array, limits: JsonLimits): ParsedJson {
  const failed = (message: string): ParsedJson => ({ problem: { path: '', message } })
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return failed('is not UTF-8')
  }
  try {
    const value: unknown = JSON.parse(text)
    const problem = findExcess(value, limits)
    return problem ? { problem } : { value }
  } catch (error) {
    return failed(`is not JSON: ${(error as Error).message}`)
  }
}

/** Stops at the first excess, so that the work is bounded by what is let through. */
function findExcess(value: unknown, { depth, items }: JsonLimits): JsonProblem | undefined {
  const open: { value: unknown; path: string; level: number }[] = [{ value, path: '', level: 1 }]
  for (let each = open.pop(); each; each = open.pop()) {
    const { value, path, level } = each
    if (typeof value !== 'object' || value === null) continue
    if (level > depth) return { path, message: `is nested more than ${depth} levels deep` }
    // Names are looked at one by one: a list of all of them is what would be too long.
    const count = Array.isArray(value) ? value.length : countMembers(value, items)
    if (count > items) return { path, message: `has more than ${items} items` }
    for (const [name, inner] of Object.entries(value)) {
      if (typeof inner === 'object')
        open.push({ value: inner, path: path ? `${path}.${name}` : name, level: level + 1 })
    }
  }
  return undefined
}

function countMembers(value: object, most: number): number {
  let count = 0
  for (const _ in value) if (++count > most) break
  return count
}
