/** What a tokenizer.json may ask for, part by part, and what is refused by name. */
import { describe, expect, it } from 'vitest'
import { createJsonTokenizer } from '../../../src/core/tokenizer/json.ts'
import { normalizeMarks, sortRun } from '../../../src/core/tokenizer/json/marks.ts'
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
    ['dropout', { ...json, model: { ...bytePairs, dropout: 0.1 } }, 'the model BPE: dropout: '],
    [
      'suffixes',
      { ...json, model: { ...bytePairs, end_of_word_suffix: '</w>' } },
      'the model BPE: end_of_word_suffix: ',
    ],
    ['merges of three', { ...json, model: { ...bytePairs, merges: [['a', 'b', 'c']] } }, 'the model BPE: merges: '],
    [
      'a score that is none',
      { ...json, model: { type: 'Unigram', unk_id: 0, vocab: [['a', '1']] } },
      'the model Unigram: vocab: ',
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

  it('with another decoder encodes, and is refused where it is to decode', async () => {
    const tokenizer = await createJsonTokenizer({ ...json, decoder: { type: 'CTC' } }, undefined, FILE)
    expect(tokenizer.encode('a').ids).toEqual([1])
    const message = expect.stringContaining(`${FILE}: not supported: the decoder "CTC"; what there is: Sequence`)
    await expect(tokenizer.decode([1])).rejects.toThrow(expect.objectContaining({ code: 'config', message }))
  })

  it('is refused where texts are cut on the left', async () => {
    const config = { truncation_side: 'left' }
    await expect(createJsonTokenizer(json, config, FILE)).rejects.toThrow('truncation_side')
    const cutRight = await createJsonTokenizer(json, { truncation_side: 'right' }, FILE)
    expect(cutRight.encode('ab a').ids).toEqual([1, 2, 1])
  })

  it.each([
    ['do_lower_case', { do_lower_case: true }],
    ['add_prefix_space', { add_prefix_space: true }],
    ['add_bos_token', { tokenizer_class: 'LlamaTokenizerFast', add_bos_token: true }],
    ['add_eos_token', { tokenizer_class: 'GemmaTokenizer', add_eos_token: true, add_bos_token: false }],
  ])('is refused where tokenizer_config.json contradicts it: %s', async (name, config) => {
    const normalizer = {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: false,
    }
    const pre_tokenizer = { type: 'ByteLevel', add_prefix_space: false, use_regex: true }
    const make = (settings: object) => createJsonTokenizer({ ...json, normalizer, pre_tokenizer }, settings, FILE)
    await expect(make(config)).rejects.toThrow(`tokenizer_config.json has ${name} true, tokenizer.json false`)
    const agreeing = {
      tokenizer_class: 'LlamaTokenizer',
      do_lower_case: false,
      add_prefix_space: false,
      add_bos_token: false,
    }
    expect((await make(agreeing)).vocabularySize).toBe(3)
    // Other classes leave the template alone.
    expect((await make({ tokenizer_class: 'GPT2Tokenizer', add_bos_token: true })).vocabularySize).toBe(3)
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

describe('Unigram', () => {
  it('settles ties as tokenizers does, whose scores are rounded twice as they are read', async () => {
    const vocab = [
      ['?', 0],
      ['0', -6.429665913833641],
      ['00', -6.6926177870165],
      [',', -3.8430678239501876],
    ]
    const model = { type: 'Unigram', unk_id: 0, vocab }
    const tokenizer = await createJsonTokenizer({ ...json, model }, undefined, FILE)
    expect(tokenizer.encode('000').ids).toEqual([1, 2])
    // Python's tokenizers 0.22.2 gives these; with the scores as JavaScript reads them the last two change places.
    expect(tokenizer.encode(',,000').ids).toEqual([3, 3, 1, 2])
  })

  it('makes one unknown token of a run of characters that are none', async () => {
    const model = {
      type: 'Unigram',
      unk_id: 0,
      vocab: [
        ['?', 0],
        ['a', -1],
      ],
    }
    expect((await createJsonTokenizer({ ...json, model }, undefined, FILE)).encode('xya🎉z').ids).toEqual([0, 1, 0])
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
  ])('%s, inverted: %s', async (behavior, invert, expected) => {
    expect([...(await split(behavior, invert))(',a,,b,c,', true)]).toEqual(expected)
  })
})

describe('a sequence of cuts', () => {
  it('prepends only to what the text begins with', async () => {
    const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true }
    const cut = await makeCut({ type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, metaspace] })
    expect([...cut('a a', true)]).toEqual(['▁a', 'a'])
    expect([...cut(' a b', true)]).toEqual(['a', 'b'])
    expect([...cut('a b', false)]).toEqual(['a', 'b'])
  })
})

describe('a run of combining marks', () => {
  const marks = Array.from({ length: 0x400 }, (_, at) => String.fromCodePoint(0x300 + at)).filter((mark) =>
    /^\p{M}$/u.test(mark),
  )
  const random = createRandom(6)
  const run = () => Array.from({ length: 200 }, () => marks[random.integer(marks.length)]).join('')

  it('has the normal forms of String.normalize', () => {
    for (let at = 0; at < 100; at++) {
      const text = `a${run()}b`
      for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD'] as const)
        expect(normalizeMarks(text, form)).toBe(text.normalize(form))
    }
  })

  it('is sorted before that, which String.normalize does in quadratic time', () => {
    for (let at = 0; at < 100; at++) {
      // Some marks decompose into two, which sorting leaves to String.normalize.
      const marksAlone = run().normalize('NFD')
      const shuffled = [...marksAlone].sort(() => random.uniform() - 0.5).join('')
      expect(sortRun(shuffled)).toBe(shuffled.normalize('NFD'))
    }
  })
})
