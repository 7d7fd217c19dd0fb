/** Added tokens of a `tokenizer.json`, special or not: they are found in a text before anything else is done to it. */
import * as z from 'zod/mini'

export const addedSchema = z.object({
  id: z.number(),
  content: z.string(),
  single_word: z._default(z.boolean(), false),
  lstrip: z._default(z.boolean(), false),
  rstrip: z._default(z.boolean(), false),
  normalized: z._default(z.boolean(), false),
  special: z._default(z.boolean(), false),
})

export type AddedToken = z.infer<typeof addedSchema>

/** A stretch of text, or the token that stood there. */
export type Section = { text: string; start: number } | { id: number }

const WORD = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]'
const endsWithWord = new RegExp(`${WORD}$`, 'u')
const startsWithWord = new RegExp(`^${WORD}`, 'u')
const isSpace = (text: string, at: number) => /\p{White_Space}/u.test(text.charAt(at))

/**
 * Makes what finds tokens: the leftmost first, of several there the longest.
 * @param contents tokens by the text that they are found by
 */
export function createFinder(contents: ReadonlyMap<string, AddedToken>): (text: string) => Iterable<Section> {
  const alternatives = [...contents.keys()].filter((content) => content !== '').sort((a, b) => b.length - a.length)
  if (alternatives.length === 0) return (text) => [{ text, start: 0 }]
  const quoted = alternatives.map((content) => content.replace(/[$()*+./?[\\\]^{|}]/g, '\\$&'))
  const found = new RegExp(quoted.join('|'), 'gu')

  return function* (text) {
    let taken = 0
    for (const { 0: content, index } of text.matchAll(found)) {
      const token = contents.get(content)! // It is one of the alternatives.
      let start = index
      let end = index + content.length
      if (token.single_word && !isWord(text, start, end)) continue
      if (token.lstrip) while (start > taken && isSpace(text, start - 1)) start--
      if (token.rstrip) while (end < text.length && isSpace(text, end)) end++
      if (start > taken) yield { text: text.slice(taken, start), start: taken }
      yield { id: token.id }
      taken = end
    }
    if (taken < text.length) yield { text: text.slice(taken), start: taken }
  }
}

/** Whether no part of a word is beside it. Two units hold any character. */
const isWord = (text: string, start: number, end: number) =>
  !endsWithWord.test(text.slice(Math.max(0, start - 2), start)) && !startsWithWord.test(text.slice(end, end + 2))
