/** The tokenizer: js-tiktoken's ids, but for white space, on real and random texts, and time in proportion to the text's length. */
import { readFileSync } from 'node:fs'
import { Tiktoken } from 'js-tiktoken/lite'
import ranks from 'js-tiktoken/ranks/gpt2'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../src/core/random.ts'
import { withUnicodeSpace } from '../../src/core/tokenizer/bytes.ts'
import { createGpt2Tokenizer } from '../../src/core/tokenizer/gpt2.ts'
import { mergePairs } from '../../src/core/tokenizer/merge.ts'
import { hasSharedData, sharedData } from '../shared-data.ts'
import { tokenizerSuite } from './tokenizer.suite.ts'

const tokenizer = createGpt2Tokenizer(ranks)
const reference = new Tiktoken({ ...ranks, pat_str: withUnicodeSpace(ranks.pat_str) })
const expected = (text: string) => reference.encode(text, [], [])
const hasOtherIds = (text: string) => tokenizer.encode(text).ids.join() !== expected(text).join()

/** Ranges of characters that the vocabulary, the pattern and UTF-8 treat in different ways. */
const alphabets = [
  'abcdefghijklmnopqrstuvwxyz ',
  "ABCxyz 019.,!?-'’_\n\t\r ",
  "'s't're've'm'll'd 'S’s",
  '\u0000\u0001\u007f\u0085\u00a0\u2003\u200b\u3000\ufeff\u2028 ',
  'äéßøçÅ e\u0301o\u0308\u0323 ﬁ',
  'приветмир γειά שלום مرحبا ',
  '世界你好こんにちは한국어 हिन्दी ไทย',
  '👍🏽❤️👨‍👩‍👧🇩🇪🎉💸 ☎',
  '𝒳𝓎𝟙𝟚𐍈🀄 ',
  '\ud800\udc00\udfff\udbff x',
  '٣४½²Ⅷ 1234567890',
  '<|endoftext|> ',
].map((characters) => [...characters])

/** A text of runs, each of characters of one alphabet or of one character many times. */
function randomText(random: ReturnType<typeof createRandom>): string {
  const pick = <T>(items: readonly T[]) => items[random.integer(items.length)]!
  const run = () => {
    const alphabet = pick(alphabets)
    const length = 1 + random.integer(12)
    return random.uniform() < 0.2
      ? pick(alphabet).repeat(length)
      : Array.from({ length }, () => (random.uniform() < 0.02 ? randomCharacter(random) : pick(alphabet))).join('')
  }
  return Array.from({ length: 1 + random.integer(4) }, run).join('')
}

const randomCharacter = (random: ReturnType<typeof createRandom>) => String.fromCodePoint(random.integer(0x110000))

describe('ids', () => {
  it.each([
    ['', []],
    ['Hello world', [15496, 995]],
    ['<|endoftext|>', expected('<|endoftext|>')],
    ["I'll say: don't!  \n\n x", expected("I'll say: don't!  \n\n x")],
  ])('of %j', (text, ids) => {
    expect(tokenizer.encode(text).ids).toEqual(ids)
  })

  it('are js-tiktoken’s on 20,000 random Unicode texts', () => {
    const random = createRandom(1)
    const texts = Array.from({ length: 20_000 }, () => randomText(random))
    expect(texts.filter(hasOtherIds)).toEqual([])
  })

  it.each(['a', 'ab', ' ', '\n', ' x', '!', '1', 'é', '世', '👍', '\ud800', 'ÃÂ', 'the'])(
    'are js-tiktoken’s on a run of %j',
    (unit) => {
      for (const count of [2, 3, 31, 64, 257])
        expect(tokenizer.encode(unit.repeat(count)).ids).toEqual(expected(unit.repeat(count)))
    },
  )

  it.skipIf(!hasSharedData).each([
    ['sms-spam/SMSSpamCollection', 1],
    ['sms-spam-multilingual/data-en-hi-de-fr.csv', 10],
    ['tweeteval-emotion/train_text.txt', 1],
    ['banking77/train.csv', 4],
    ['rt-polarity/rt-polarity.neg', 4],
    ['subjectivity/quote.tok.gt9.5000', 4],
    ['ag-news/test.csv', 8],
    ['masc-email-spam/masc_email_spam.csv', 2],
    ['corpus-en/masc.txt', 40],
    ['corpus-en/movie_reviews.txt', 100],
    ['corpus-en/state_union.txt', 40],
    ['corpus-en/inaugural.txt', 20],
  ])('are js-tiktoken’s on %s, every line of %i', (path, step) => {
    const lines = readFileSync(sharedData(path), 'utf8').split('\n')
    expect(lines.filter((line, i) => i % step === 0 && hasOtherIds(line))).toEqual([])
  })
})

const golden = readFileSync(new URL('../interop/golden/tokens.json', import.meta.url), 'utf8')
const cases = (JSON.parse(golden) as { text: string; ids: number[] }[]).map(({ text, ids }) => ({
  text,
  ids,
  cut: ids.slice(0, 8),
  decoded: text,
}))
tokenizerSuite({ name: 'GPT-2', tokenizer, cases, surroundings: [[], []], isHostile: true })

describe('decode', () => {
  it('gives back any text without lone surrogates', async () => {
    const random = createRandom(2)
    for (let i = 0; i < 2_000; i++) {
      const text = Buffer.from(randomText(random)).toString()
      expect(await tokenizer.decode(tokenizer.encode(text).ids)).toBe(text)
    }
    expect(await tokenizer.decode(tokenizer.encode('\ufeffa').ids)).toBe('\ufeffa')
  })

  it('knows the special token', async () => {
    expect(tokenizer.endOfText).toBe(50256)
    expect(tokenizer.vocabularySize).toBe(50257)
    expect(await tokenizer.decode([15496, 50256])).toBe('Hello<|endoftext|>')
  })
})

describe('time', () => {
  /** Look-ups of a pair's rank while a piece is merged: what merging spends its time on. */
  function countLookups(bytes: string, table: ReadonlyMap<string, number>): number {
    let lookups = 0
    const counting = new Map(table)
    counting.get = (key) => {
      lookups++
      return table.get(key)
    }
    mergePairs(bytes, counting)
    return lookups
  }

  it('grows in proportion to an unbroken run', () => {
    const random = createRandom(3)
    const letters = Array.from({ length: 4_000 }, () => String.fromCharCode(97 + random.integer(26))).join('')
    const table = idsByBytes()
    const units = ['a', ' ', '世', '🎉', 'ÃÂ']
    for (const run of [...units.map((unit) => Buffer.from(unit).toString('latin1').repeat(4_000)), letters]) {
      expect(countLookups(run, table)).toBeLessThan(5 * run.length)
    }
  })

  /** The vocabulary as merging takes it. */
  function idsByBytes(): Map<string, number> {
    const lines = ranks.bpe_ranks.split('\n').map((line) => line.split(' '))
    return new Map(lines.flatMap(([, first, ...tokens]) => tokens.map((token, i) => [atob(token), Number(first) + i])))
  }
})
