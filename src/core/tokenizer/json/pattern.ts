/** Regular expressions of a `tokenizer.json`, which are Oniguruma's in Ruby's syntax, as JavaScript's. */
import { NotSupported, type Pattern } from './part.ts'

/** What one step of the translation takes: an escape, the start of a group or class, a count, or a character. */
const step =
  /\\[pP]\{[^}]*\}|\\x\{[\da-fA-F]+\}|\\x[\da-fA-F]{2}|\\u[\da-fA-F]{4}|\\.|\(\?(?:i?:|<?[=!])|\(\?|\[\^?|&&|\{\d+,?\d*\}|\{,\d+\}|./gsu

const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}'

/** Escapes that mean other characters there, or the same by another name. */
const escapes = new Map([
  ['\\s', '\\p{White_Space}'],
  ['\\S', '\\P{White_Space}'],
  ['\\d', '\\p{Nd}'],
  ['\\D', '\\P{Nd}'],
  ['\\w', `[${WORD}]`],
  ['\\W', `[^${WORD}]`],
])

/** What has to be escaped to stand for itself, outside of classes and within. */
const syntax = /[$()*+./?[\\\]^{|}]/
const classSyntax = /[!#$%&()*+,\-./:;<=>?@[\\\]^`{|}~]/

const quote = (text: string, reserved: RegExp) =>
  Array.from(text, (character) => (reserved.test(character) ? `\\${character}` : character)).join('')

const refuse = (what: string) => new NotSupported(`${what} in a pattern`)

/** A property; scripts are named as such in JavaScript. */
function property(text: string): string {
  const inverted = text[3] === '^'
  const letter = inverted === (text[1] === 'p') ? 'P' : 'p'
  const name = text.slice(inverted ? 4 : 3, -1)
  for (const value of [name, `Script=${name}`]) {
    try {
      return new RegExp(`\\${letter}{${value}}`, 'v').source
    } catch {
      // No property has this name.
    }
  }
  throw refuse(text)
}

function escaped(text: string, reserved: RegExp): string {
  const known = escapes.get(text)
  if (known !== undefined) return known
  if (/^\\[pP]\{/.test(text)) return property(text)
  if (text.startsWith('\\x{')) return `\\u${text.slice(2)}`
  if (/^\\(?:[xu].+|[nrtfv0])$/.test(text)) return text
  if (/^\\[a-zA-Z\d]/.test(text)) throw refuse(text)
  return quote(text.slice(1), reserved)
}

/** A character without regard to case: `s` is U+017F too, and `k` the Kelvin sign. */
function inAnyCase(character: string): string {
  if (!/^[a-z]$/i.test(character)) return quote(character, syntax)
  const lower = character.toLowerCase()
  return `[${lower}${lower.toUpperCase()}${{ s: '\u017f', k: '\u212a' }[lower] ?? ''}]`
}

function translate(source: string): string {
  let openClasses = 0
  /** For each open group whether case counts in it. */
  const groups = [true]

  function openClass(text: string, index: number): string {
    const rest = source.slice(index + text.length)
    if (rest.startsWith(']') || source.startsWith('[:', index) || !groups.at(-1)) throw refuse('this kind of class')
    openClasses++
    return text
  }

  function inClass(text: string, index: number): string {
    if (text === ']') openClasses--
    const isEdge = /(?:^|[^\\])\[\^?$/.test(source.slice(Math.max(0, index - 3), index)) || source[index + 1] === ']'
    return text === ']' || text === '&&' || (text === '-' && !isEdge) ? text : quote(text, classSyntax)
  }

  function outside(text: string): string {
    if (text === '(?') throw refuse('this kind of group')
    if (text.startsWith('(')) groups.push(text !== '(?i:' && groups.at(-1)!) // The bottom one is never closed.
    else if (text === ')' && groups.length > 1) groups.pop()
    if (text === '(?i:') return '(?:'
    if (text.startsWith('{,')) return `{0${text.slice(1)}`
    if (text === '.') return '[^\\n]'
    // Anchors are a line's.
    if (text === '^') return '(?<![^\\n])'
    if (text === '$') return '(?![^\\n])'
    if (text === '{' || text === '}' || text === ']') return `\\${text}`
    if (text.length > 1 && text !== '&&') return text
    if ('()*+?|'.includes(text)) return text
    return groups.at(-1) ? quote(text, syntax) : inAnyCase(text)
  }

  return source.replace(step, (text: string, index: number) => {
    if (text.startsWith('\\') && text.length > 1) return escaped(text, openClasses > 0 ? classSyntax : syntax)
    if (text.startsWith('[')) return openClass(text, index)
    return openClasses > 0 ? inClass(text, index) : outside(text)
  })
}

/** The pattern as a regular expression with the flags `g` and `v`. */
export function toRegExp(pattern: Pattern): RegExp {
  if ('String' in pattern) return new RegExp(quote(pattern.String, syntax), 'gv')
  const { Regex: source } = pattern
  try {
    return new RegExp(translate(source), 'gv')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new NotSupported(`the pattern ${JSON.stringify(source)}: ${reason}`)
  }
}
