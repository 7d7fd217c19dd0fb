/** What a tokenizer.json may ask for, part by part, and what is refused by name. */
import { describe, expect, it } from 'vitest'
import { createJsonTokenizer } from '../../../src/core/tokenizer/json.ts'
import { normalizeMarks } from '../../../src/core/tokenizer/json/marks.ts'
import { NotSupported } from '../../../src/core/tokenizer/json/part.ts'
import { toRegExp } from '../../../src/core/tokenizer/json/pattern.ts'
import { makeCut } from '../../../src/core/tokenizer/json/pieces.ts'
import { createRandom } from '../../../src/core/random.ts'

const FILE = 'base/tokenizer.json'

const words = { type: 'WordPiece', unk_token: '?', continuing_subword_prefix: '##', max_input_chars_per_word: 10 }
const json = {
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: 'WhitespaceSplit' },
  model: { ...words, vocab: { '?': 0, a: 1, '##b': 2 } },
  post_processor: null,
  decoder: null,
}
const bytePairs = { type: 'BPE', unk_token: null, vocab: { a: 0, b: 1, ab: 2 }, merges: [['a', 'b']] }

describe('a tokenizer.json', () => {
  it.each([
    ['no object', [], 'tokenizer.json: Invalid input: expected object, received array'],
    ['no model', { ...json, model: undefined }, 'model: Invalid input: expected object, received undefined'],
    [
      'another model',
      { ...json, model: { type: 'WordLevel' } },
      'the model "WordLevel"; what there is: BPE, WordPiece, Unigram',
    ],
    ['another normalizer', { ...json, normalizer: { type: 'Nmt' } }, 'the normalizer "Nmt"'],
    [
      'one of a sequence',
      { ...json, normalizer: { type: 'Sequence', normalizers: [{ type: 'Nmt' }] } },
      'the normalizer "Nmt"',
    ],
    ['a name of every object', { ...json, normalizer: { type: 'constructor' } }, 'the normalizer "constructor"'],
    [
      'another pre-tokenizer',
      { ...json, pre_tokenizer: { type: 'UnicodeScripts' } },
      'the pre-tokenizer "UnicodeScripts"',
    ],
    ['another decoder', { ...json, decoder: { type: 'CTC' } }, 'the decoder "CTC"'],
    ['dropout', { ...json, model: { ...bytePairs, dropout: 0.1 } }, 'the model BPE: dropout: '],
    [
      'suffixes',
      { ...json, model: { ...bytePairs, end_of_word_suffix: '</w>' } },
      'the model BPE: end_of_word_suffix: ',
    ],
    [
      'a merge of no token',
      { ...json, model: { ...bytePairs, merges: ['a c'] } },
      'the token "c", which the vocabulary lacks',
    ],
    ['an id that is none', { ...json, model: { ...words, vocab: { '?': 0, a: 1.5 } } }, 'the id 1.5 of the token "a"'],
    [
      'no unknown token',
      { ...json, model: { ...words, vocab: { a: 0 } } },
      'the token "?", which the vocabulary lacks',
    ],
    [
      'a pair',
      { ...json, post_processor: { type: 'TemplateProcessing', single: [], special_tokens: {} } },
      'a template in which',
    ],
    [
      'a pattern',
      { ...json, pre_tokenizer: { type: 'Split', pattern: { Regex: '(?>a)b' }, behavior: 'Isolated', invert: false } },
      'the pattern "(?>a)b": this kind of group',
    ],
  ])('with %s is refused', async (_, value, message) => {
    await expect(createJsonTokenizer(value, undefined, FILE)).rejects.toThrow(
      expect.objectContaining({
        code: 'config',
        file: FILE,
        message: expect.stringContaining(`${FILE}: not supported: ${message}`),
      }),
    )
  })

  it('is refused where texts are cut on the left', async () => {
    const config = { truncation_side: 'left' }
    await expect(createJsonTokenizer(json, config, FILE)).rejects.toThrow('truncation_side')
    const cutRight = await createJsonTokenizer(json, { truncation_side: 'right' }, FILE)
    expect(cutRight.encode('ab a').ids).toEqual([1, 2, 1])
  })

  it('may have tokens named like parts of every object', async () => {
    const vocab = JSON.parse('{"?": 0, "__proto__": 1, "constructor": 2}')
    const tokenizer = await createJsonTokenizer(
      { ...json, model: { ...words, max_input_chars_per_word: 20, vocab } },
      undefined,
      FILE,
    )
    expect(tokenizer.encode('__proto__ constructor toString').ids).toEqual([1, 2, 0])
    expect(await tokenizer.decode([1])).toBe('__proto__')
  })

  it('may have older merges in one string each', async () => {
    const tokenizer = await createJsonTokenizer({ ...json, model: { ...bytePairs, merges: ['a b'] } }, undefined, FILE)
    expect(tokenizer.encode('abb').ids).toEqual([2, 1])
  })
})

describe('the cut of a long piece', async () => {
  const vocab = { '<unk>': 0, a: 1, b: 2, ' ': 3, ab: 4, ' a': 5, ' ab': 6, bb: 7 }
  const merges = [
    ['a', 'b'],
    [' ', 'a'],
    [' ', 'ab'],
    ['b', 'b'],
  ]
  const model = { type: 'BPE', unk_token: '<unk>', fuse_unk: true, vocab, merges }
  const tokenizer = await createJsonTokenizer({ ...json, pre_tokenizer: null, model }, undefined, FILE)

  it('changes no id', () => {
    const random = createRandom(4)
    const characters = ['a', 'b', ' ', 'a', 'b', ' ', 'x', 'y', '🎉']
    for (let at = 0; at < 50; at++) {
      const text = Array.from({ length: 1_500 }, () => characters[random.integer(characters.length)]).join('')
      // Stretches below the length from which pieces are cut, between two that no token and no unknown run joins.
      const stretches = text.split(/(?<=[ab]) (?=b)/)
      expect(stretches.every((each) => each.length < 900)).toBe(true)
      const expected = stretches.flatMap((each, i) => [...(i > 0 ? [3] : []), ...tokenizer.encode(each).ids])
      expect(tokenizer.encode(text).ids).toEqual(expected)
    }
  })
})

describe('patterns', () => {
  const found = (source: string, text: string) =>
    Array.from(text.matchAll(toRegExp({ Regex: source })), ([each]) => each)

  it.each([
    ["(?i:'s|'k)|.", "a'S'ſ'K", ['a', "'S", "'ſ", "'K"]],
    ['\\s+', 'a\u0085\ufeff b', ['\u0085', ' ']],
    ['\\d', '1٣', ['1', '٣']],
    ['[^(\\s|[.,!])]+', 'a(b|c.d e', ['a', 'b', 'c', 'd', 'e']],
    ['[a\\-z-]+|[+*/\\]]', 'a-z+/]', ['a-z', '+', '/', ']']],
    ['\\p{Han}+|\\p{^L}', '世界1', ['世界', '1']],
    ['^a|b$', 'a\nab\nb', ['a', 'a', 'b', 'b']],
    ['.+', 'a\u2028b\nc', ['a\u2028b', 'c']],
    ['x{2}|{|}|]', 'xx{]}', ['xx', '{', ']', '}']],
    ['[\\p{P}&&[^#]]', '!"#$', ['!', '"']],
    ['\\x{1F389}|\\u0041|\\x42', '🎉AB', ['🎉', 'A', 'B']],
  ])('%s', (source, text, expected) => {
    expect(found(source, text)).toEqual(expected)
  })

  it.each(['a++', '\\h', '[[:alpha:]]', '[]a]', '(?<name>a)', '(?i)a', '(?i:[ab])', '\\p{Nonsense}', '('])(
    'refuses %s',
    (source) => {
      expect(() => toRegExp({ Regex: source })).toThrow(NotSupported)
    },
  )
})

describe('pieces', () => {
  const split = (behavior: string, invert = false) =>
    makeCut({ type: 'Split', pattern: { String: ',' }, behavior, invert })

  it.each([
    ['Isolated', false, [',', 'a', ',', ',', 'b', ',', 'c', ',']],
    ['Removed', false, ['a', 'b', 'c']],
    ['Removed', true, [',', ',', ',', ',', ',']],
    ['Contiguous', false, [',', 'a', ',,', 'b', ',', 'c', ',']],
    ['MergedWithPrevious', false, [',', 'a,', ',', 'b,', 'c,']],
    ['MergedWithNext', false, [',a', ',', ',b', ',c', ',']],
  ])('%s, inverted: %s', (behavior, invert, expected) => {
    expect([...split(behavior, invert)(',a,,b,c,', true)]).toEqual(expected)
  })
})

describe('normal forms', () => {
  it('are String.normalize’s for runs of marks of every class', () => {
    const marks = Array.from({ length: 0x400 }, (_, at) => String.fromCodePoint(0x300 + at)).filter((each) =>
      /\p{M}/u.test(each),
    )
    const random = createRandom(6)
    for (let at = 0; at < 100; at++) {
      const text = `a${Array.from({ length: 200 }, () => marks[random.integer(marks.length)]).join('')}b`
      for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD'] as const)
        expect(normalizeMarks(text, form)).toBe(text.normalize(form))
    }
  })
})
