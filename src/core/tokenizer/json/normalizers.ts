/** Normalizers of a `tokenizer.json`: what is done to a text before it is cut into pieces. */
import * as z from 'zod/mini'
import { normalizeMarks } from './marks.ts'
import { type Makers, NotSupported, fields, make, patternSchema } from './part.ts'

export type Normalize = (text: string) => string

const sequenceSchema = z.object({ normalizers: z.array(z.unknown()) })
const replaceSchema = z.object({ pattern: patternSchema, content: z.string() })
const prependSchema = z.object({ prepend: z.string() })
const stripSchema = z.object({ strip_left: z.boolean(), strip_right: z.boolean() })
const precompiledSchema = z.object({ precompiled_charsmap: z.nullish(z.string()) })
const bertSchema = z.object({
  clean_text: z.boolean(),
  handle_chinese_chars: z.boolean(),
  strip_accents: z.nullish(z.boolean()),
  lowercase: z.boolean(),
})

/** A text is lowered character by character, without JavaScript's rule for a sigma at the end of a word. */
const lowercase: Normalize = (text) => text.replaceAll('Σ', 'σ').toLowerCase()

const control = /[\0\ufffd\p{Cc}\p{Cf}\p{Co}]/gu
const keepSpace = (character: string) => ('\t\n\r'.includes(character) ? ' ' : '')
/** U+2B920 as in Hugging Face's tokenizers, where it should be U+2B820. */
const ideograph =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu

/** https://github.com/google-research/bert/blob/master/tokenization.py, as tokenizers has it. */
function bertNormalizer(part: unknown): Normalize {
  const {
    clean_text,
    handle_chinese_chars,
    strip_accents,
    lowercase: lowers,
  } = fields(bertSchema, part, 'BertNormalizer')
  return steps([
    ...(clean_text ? [(text: string) => text.replace(control, keepSpace).replace(/\p{White_Space}/gu, ' ')] : []),
    ...(handle_chinese_chars ? [(text: string) => text.replace(ideograph, ' $& ')] : []),
    ...((strip_accents ?? lowers) ? [(text: string) => normalizeMarks(text, 'NFD').replace(/\p{Mn}/gu, '')] : []),
    ...(lowers ? [lowercase] : []),
  ])
}

const steps =
  (all: readonly Normalize[]): Normalize =>
  (text) =>
    all.reduce((result, step) => step(result), text)

const unicode = (form: 'NFC' | 'NFD' | 'NFKC' | 'NFKD') => (): Normalize => (text) => normalizeMarks(text, form)

/** What few of them need is loaded by need. */
const makers: Makers<Normalize | Promise<Normalize>> = {
  Sequence: async (part) =>
    steps(await Promise.all(fields(sequenceSchema, part, 'Sequence').normalizers.map(makeNormalizer))),
  BertNormalizer: bertNormalizer,
  Lowercase: () => lowercase,
  NFC: unicode('NFC'),
  NFD: unicode('NFD'),
  NFKC: unicode('NFKC'),
  NFKD: unicode('NFKD'),
  StripAccents: () => (text) => text.replace(/\p{M}/gu, ''),
  Strip(part) {
    const { strip_left, strip_right } = fields(stripSchema, part, 'Strip')
    return (text) => {
      const start = strip_left ? text.replace(/^\p{White_Space}+/u, '') : text
      return strip_right ? start.slice(0, lengthWithoutSpace(start)) : start
    }
  },
  async Replace(part) {
    const { pattern, content } = fields(replaceSchema, part, 'Replace')
    const { toRegExp } = await import('./pattern.ts')
    const regExp = toRegExp(pattern)
    return (text) => text.replace(regExp, () => content)
  },
  Prepend(part) {
    const { prepend } = fields(prependSchema, part, 'Prepend')
    return (text) => (text === '' ? '' : prepend + text)
  },
  async Precompiled(part) {
    const { precompiled_charsmap } = fields(precompiledSchema, part, 'Precompiled')
    if (!precompiled_charsmap) return (text) => text
    const { charsmapOf } = await import('./charsmap.ts')
    const normalize = charsmapOf(precompiled_charsmap)
    if (!normalize) throw new NotSupported('a precompiled_charsmap that is no table of SentencePiece')
    return normalize
  },
}

/** Where the white space at the end begins. A regular expression for it would start anew at every space of the text. */
function lengthWithoutSpace(text: string): number {
  let end = text.length
  while (end > 0 && /\p{White_Space}/u.test(text[end - 1]!)) end-- // All of white space is in the first plane.
  return end
}

/** @throws NotSupported */
export const makeNormalizer = async (part: unknown): Promise<Normalize> => make('normalizer', part, makers)
