/** What every tokenizer must do, run over each implementation. */
import { describe, expect, it, vi } from 'vitest'
import type { Tokenizer } from '../../src/core/tokenizer.ts'

/** A text with its token ids, the ids where it is cut to 8, and what the ids are decoded to. */
export interface TokenizerCase {
  text: string
  ids: number[]
  cut: number[]
  decoded: string
}

export interface TokenizerSuite {
  name: string
  tokenizer: Tokenizer
  cases: readonly TokenizerCase[]
  /** Special tokens before and after the ids of any text. */
  surroundings: [before: number[], after: number[]]
  /** Whether to encode long runs too, which takes seconds. */
  isHostile?: boolean
}

/** Runs without a place to break, and runs of what is sorted, replaced, unknown or special somewhere. */
const UNITS = ['a', ' ', '1', '\n', '🎉', '世', '\u0301\u0323', '[SEP]', '<s> ']

const SENTENCE = 'Of a long text only its beginning is asked for, so the rest is not encoded: 1, 22, 333. '

/** How often something is looked up in a map, which is what encoding spends its time on. */
function countLookups(run: () => unknown): number {
  const get = vi.spyOn(Map.prototype, 'get')
  try {
    run()
    return get.mock.calls.length
  } finally {
    get.mockRestore()
  }
}

export function tokenizerSuite({ name, tokenizer, cases, isHostile, ...suite }: TokenizerSuite): void {
  const [before, after] = suite.surroundings
  describe(`tokenizer ${name}`, () => {
    it('gives the ids of Hugging Face’s tokenizers', () => {
      expect(cases.length).toBeGreaterThan(5)
      for (const { text, ids } of cases)
        expect({ text, ...tokenizer.encode(text) }).toEqual({ text, ids, truncated: false })
    })

    it('cuts as they do, with the special tokens kept', () => {
      for (const { text, ids, cut } of cases)
        expect({ text, ...tokenizer.encode(text, 8) }).toEqual({ text, ids: cut, truncated: ids.length > cut.length })
    })

    it('cuts at any length', () => {
      const [{ text, ids }] = cases.filter((each) => each.ids.length > 20) as [TokenizerCase]
      const own = ids.slice(before.length, ids.length - after.length)
      for (let maxLength = 0; maxLength <= ids.length + 1; maxLength++) {
        const room = Math.max(0, maxLength - before.length - after.length)
        const expected = [...before, ...own.slice(0, room), ...after].slice(0, maxLength)
        expect(tokenizer.encode(text, maxLength)).toEqual({ ids: expected, truncated: maxLength < ids.length })
      }
    })

    it('decodes as they do', async () => {
      for (const { ids, decoded } of cases) expect(await tokenizer.decode(ids)).toBe(decoded)
    })

    it('has nothing but special tokens for an empty text', () => {
      expect(tokenizer.encode('').ids).toEqual([...before, ...after])
    })

    it('takes lone surrogates for U+FFFD', () => {
      expect(tokenizer.encode('a\ud800b\udc00')).toEqual(tokenizer.encode('a\ufffdb\ufffd'))
    })

    it('gives only ids below vocabularySize, and decodes no other', async () => {
      const ids = cases.flatMap((each) => each.ids)
      expect(Math.max(...ids)).toBeLessThan(tokenizer.vocabularySize)
      const beyond = tokenizer.vocabularySize
      await expect(tokenizer.decode([beyond])).rejects.toThrow(`token id ${beyond} is outside of the vocabulary`)
    })

    // What takes quadratic time takes minutes here.
    it.each(isHostile ? UNITS : [])('encodes 200,000 characters of %j', (unit) => {
      const { ids } = tokenizer.encode(unit.repeat(200_000 / unit.length))
      expect(ids.slice(0, before.length)).toEqual(before)
    })

    it('does not encode the rest of a long text', () => {
      const [short, long] = [SENTENCE.repeat(30), SENTENCE.repeat(3_000)]
      expect(tokenizer.encode(long, 64)).toEqual(tokenizer.encode(short, 64))
      expect(countLookups(() => tokenizer.encode(long, 64))).toBeLessThanOrEqual(
        countLookups(() => tokenizer.encode(short, 64)),
      )
      expect(countLookups(() => tokenizer.encode(short))).toBeGreaterThan(100)
    })
  })
}
