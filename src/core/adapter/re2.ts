/** The engine behind `expression.ts`, a module of its own: most adapters need none, and a page loads it only for one that does. */
import { RE2JS } from 're2js'

export interface Compiled {
  /** Python's `re.fullmatch`. */
  fullMatch(text: string): boolean
  /** Python's `re.match`: from the start on, to wherever. */
  match(text: string): boolean
  /** Instructions of the program, to which the time of a match is proportional. */
  size: number
}

/** @throws Error of RE2JS for what it does not know */
export function compile(source: string): Compiled {
  const expression = RE2JS.compile(source)
  return {
    fullMatch: (text) => expression.matches(text),
    match: (text) => expression.matcher(text).lookingAt(),
    size: expression.programSize(),
  }
}
