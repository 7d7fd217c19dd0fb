/** Decoders of a `tokenizer.json`: tokens to the text that they stand for. */
import * as z from 'zod/mini'
import { byteCharacters } from '../bytes.ts'
import { type Makers, fields, make, patternSchema } from './part.ts'
import { toRegExp } from './pattern.ts'

/** Turns the strings of tokens into others, which are joined at the end. */
export type Decode = (tokens: readonly string[]) => readonly string[]

const sequenceSchema = z.object({ decoders: z.array(z.unknown()) })
const replaceSchema = z.object({ pattern: patternSchema, content: z.string() })
const stripSchema = z.object({ content: z.string(), start: z.number(), stop: z.number() })
const wordPieceSchema = z.object({ prefix: z.string(), cleanup: z.boolean() })
const metaspaceSchema = z.object({
  replacement: z.string(),
  prepend_scheme: z._default(z.enum(['always', 'first', 'never']), 'always'),
})

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

function decodeStrictly(bytes: readonly number[]): string | undefined {
  try {
    return new TextDecoder('utf-8', { ignoreBOM: true, fatal: true }).decode(Uint8Array.from(bytes))
  } catch {
    return undefined
  }
}

/** A token with a character that stands for no byte is text as it is. */
function byteLevel(): Decode {
  const bytes = new Map(byteCharacters().map((character, byte) => [character, byte]))
  const bytesOf = (token: string): Iterable<number> => {
    const ofToken = Array.from(token, (character) => bytes.get(character))
    return ofToken.every((byte) => byte !== undefined) ? ofToken : new TextEncoder().encode(token)
  }
  return (tokens) => [utf8.decode(Uint8Array.from(tokens.flatMap((token) => [...bytesOf(token)])))]
}

/** Runs of tokens like `<0x0A>` are bytes; a run that is no UTF-8 is a U+FFFD for each of them. */
function byteFallback(tokens: readonly string[]): string[] {
  const result: string[] = []
  let bytes: number[] = []
  const flush = () => {
    if (bytes.length === 0) return
    result.push(decodeStrictly(bytes) ?? '\ufffd'.repeat(bytes.length))
    bytes = []
  }
  for (const token of tokens) {
    const [, hex] = /^<0x([\dA-F]{2})>$/i.exec(token) ?? []
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16))
    else {
      flush()
      result.push(token)
    }
  }
  flush()
  return result
}

/** What BERT's tokenizer undoes of the spaces that it puts around punctuation. */
const cleanUp = (text: string) =>
  [' .', ' ?', ' !', ' ,', " n't", " 'm", " 's", " 've", " 're"].reduce(
    (result, spaced) => result.replaceAll(spaced, spaced.slice(1)),
    text.replaceAll(" ' ", "'"),
  )

function wordPiece(part: unknown): Decode {
  const { prefix, cleanup } = fields(wordPieceSchema, part, 'WordPiece')
  const spaced = (token: string, at: number) =>
    at === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`
  return (tokens) => tokens.map(spaced).map((token) => (cleanup ? cleanUp(token) : token))
}

function metaspace(part: unknown): Decode {
  const { replacement, prepend_scheme } = fields(metaspaceSchema, part, 'Metaspace')
  const isPrepended = (at: number) => at === 0 && prepend_scheme !== 'never'
  return (tokens) =>
    tokens.map((token, at) =>
      (isPrepended(at) && token.startsWith(replacement) ? token.slice(replacement.length) : token).replaceAll(
        replacement,
        ' ',
      ),
    )
}

function strip(part: unknown): Decode {
  const { content, start, stop } = fields(stripSchema, part, 'Strip')
  return (tokens) =>
    tokens.map((token) => {
      let from = 0
      let to = token.length
      while (from < start && token[from] === content) from++
      while (token.length - to < stop && to > from && token[to - 1] === content) to--
      return token.slice(from, to)
    })
}

const makers: Makers<Decode> = {
  Sequence: (part) => {
    const all = fields(sequenceSchema, part, 'Sequence').decoders.map(makeDecoder)
    return (tokens) => all.reduce((result, decode) => decode(result), tokens)
  },
  ByteLevel: byteLevel,
  WordPiece: wordPiece,
  Metaspace: metaspace,
  ByteFallback: () => byteFallback,
  Fuse: () => (tokens) => [tokens.join('')],
  Replace: (part) => {
    const { pattern, content } = fields(replaceSchema, part, 'Replace')
    const regExp = toRegExp(pattern)
    return (tokens) => tokens.map((token) => token.replace(regExp, () => content))
  },
  Strip: strip,
}

/** @throws NotSupported */
export const makeDecoder = (part: unknown): Decode => make('decoder', part, makers)
