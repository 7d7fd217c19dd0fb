/** Pre-tokenizers of a `tokenizer.json`: they cut a text into pieces that are encoded each by itself, one at a time. */
import * as z from 'zod/mini'
import { GPT2_PATTERN, byteCharacters } from '../bytes.ts'
import { type Makers, fields, make, patternSchema } from './part.ts'

/** Cuts a text; `isFirst` says whether it is what the whole text begins with. */
export type Cut = (text: string, isFirst: boolean) => Iterable<string>

const behaviors = ['Isolated', 'Removed', 'Contiguous', 'MergedWithPrevious', 'MergedWithNext'] as const
const behaviorSchema = z.enum(behaviors)
type Behavior = (typeof behaviors)[number]

const sequenceSchema = z.object({ pretokenizers: z.array(z.unknown()) })
const splitSchema = z.object({ pattern: patternSchema, behavior: behaviorSchema, invert: z.boolean() })
const digitsSchema = z.object({ individual_digits: z.boolean() })
const punctuationSchema = z.object({ behavior: z._default(behaviorSchema, 'Isolated') })
const byteLevelSchema = z.object({ add_prefix_space: z.boolean(), use_regex: z._default(z.boolean(), true) })
const metaspaceSchema = z.object({
  replacement: z.string(),
  prepend_scheme: z._default(z.enum(['always', 'first', 'never']), 'always'),
  split: z._default(z.boolean(), true),
})

const PUNCTUATION = '[!-\\/:-@\\[-`\\{-~\\p{P}]'
const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}'

/** The pieces are what the pattern finds. */
function matches(pattern: string): Cut {
  const regExp = new RegExp(pattern, 'gu')
  return function* (text) {
    for (const [piece] of text.matchAll(regExp)) yield piece
  }
}

type Span = [text: string, isMatch: boolean]

/** What a pattern finds and what lies between, in order. */
function* spans(text: string, regExp: RegExp, invert: boolean): Generator<Span> {
  let end = 0
  for (const { 0: found, index } of text.matchAll(regExp)) {
    if (index > end) yield [text.slice(end, index), invert]
    if (found !== '') yield [found, !invert]
    end = index + found.length
  }
  if (end < text.length) yield [text.slice(end), invert]
}

/** Joins spans where the behavior says so; one span is held back until its next is known. */
function* joined(all: Iterable<Span>, behavior: Behavior): Generator<string> {
  let held: Span | undefined
  for (const [text, isMatch] of all) {
    if (behavior === 'Removed' && isMatch) continue
    if (held && joins(held[1], isMatch, behavior)) held = [held[0] + text, isMatch]
    else {
      if (held) yield held[0]
      held = [text, isMatch]
    }
  }
  if (held) yield held[0]
}

/** Whether a span joins the one before; a match joins one neighbour at most. */
function joins(held: boolean, next: boolean, behavior: Behavior): boolean {
  if (behavior === 'Contiguous') return held === next
  if (behavior === 'MergedWithPrevious') return !held && next
  return behavior === 'MergedWithNext' && held && !next
}

const cutAt =
  (regExp: RegExp, behavior: Behavior, invert = false): Cut =>
  (text) =>
    joined(spans(text, regExp, invert), behavior)

/** Each cut is made in the pieces of the one before. */
function sequence(cuts: readonly Cut[]): Cut {
  const [first, ...rest] = cuts
  if (!first) return (text) => [text]
  if (rest.length === 0) return first
  const others = sequence(rest)
  return function* (text, isFirst) {
    let starts = isFirst
    for (const piece of first(text, isFirst)) {
      yield* others(piece, starts && text.startsWith(piece))
      starts = false
    }
  }
}

const encoder = new TextEncoder()

function byteLevel(part: unknown): Cut {
  const { add_prefix_space, use_regex } = fields(byteLevelSchema, part, 'ByteLevel')
  const characters = byteCharacters()
  const toCharacters = (piece: string) => {
    let result = ''
    for (const byte of encoder.encode(piece)) result += characters[byte]
    return result
  }
  const cut: Cut = use_regex ? matches(GPT2_PATTERN) : (text) => [text]
  return function* (text, isFirst) {
    const prefixed = add_prefix_space && !text.startsWith(' ') ? ` ${text}` : text
    for (const piece of cut(prefixed, isFirst)) yield toCharacters(piece)
  }
}

async function metaspace(part: unknown): Promise<Cut> {
  const { replacement, prepend_scheme, split } = fields(metaspaceSchema, part, 'Metaspace')
  const { toRegExp } = await import('./pattern.ts')
  const cut = split ? cutAt(toRegExp({ String: replacement }), 'MergedWithNext') : sequence([])
  return (text, isFirst) => {
    const spaced = text.replaceAll(' ', () => replacement)
    const prepends = prepend_scheme === 'always' || (prepend_scheme === 'first' && isFirst)
    return cut(prepends && !spaced.startsWith(replacement) ? replacement + spaced : spaced, isFirst)
  }
}

/** What few of them need is loaded by need. */
const makers: Makers<Cut | Promise<Cut>> = {
  Sequence: async (part) =>
    sequence(await Promise.all(fields(sequenceSchema, part, 'Sequence').pretokenizers.map(makeCut))),
  BertPreTokenizer: () => matches(`${PUNCTUATION}|[^\\p{White_Space}${PUNCTUATION.slice(1, -1)}]+`),
  ByteLevel: byteLevel,
  Metaspace: metaspace,
  Whitespace: () => matches(`[${WORD}]+|[^${WORD}\\p{White_Space}]+`),
  WhitespaceSplit: () => matches('\\P{White_Space}+'),
  Digits: (part) =>
    matches(fields(digitsSchema, part, 'Digits').individual_digits ? '\\p{N}|\\P{N}+' : '\\p{N}+|\\P{N}+'),
  Punctuation: (part) => cutAt(new RegExp(PUNCTUATION, 'gu'), fields(punctuationSchema, part, 'Punctuation').behavior),
  async Split(part) {
    const { pattern, behavior, invert } = fields(splitSchema, part, 'Split')
    const { toRegExp } = await import('./pattern.ts')
    return cutAt(toRegExp(pattern), behavior, invert)
  },
}

/** @throws NotSupported */
export const makeCut = async (part: unknown): Promise<Cut> => make('pre-tokenizer', part, makers)
