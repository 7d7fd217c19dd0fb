/** Scripts of texts, and which text is in one that a model was not trained on. */
import { expect, it } from 'vitest'
import { scriptsOf, unknownScript } from '../../src/core/scripts.ts'

it('a training set’s scripts, the commonest first; a quoted word does not count', () => {
  expect(scriptsOf(['Grüße', 'Привет всем'])).toEqual(['Cyrillic', 'Latin'])
  expect(scriptsOf(['word '.repeat(500), '東京'])).toEqual(['Latin'])
  expect(scriptsOf(['こんにちは世界', 'カタカナ'])).toEqual(['Hiragana', 'Katakana', 'Han'])
  expect(scriptsOf(['123 🎉', ''])).toEqual([])
  expect(scriptsOf(['ᚠᚢᚦ runes'])).toEqual(['Latin', 'Other'])
})

it.each([
  ['Привет', ['Latin'], 'Cyrillic'],
  ['Free: Привет', ['Latin'], 'Cyrillic'],
  ['Free entry, Привет', ['Latin'], undefined],
  ['Привет', ['Latin', 'Cyrillic'], undefined],
  ['1234 🎉', ['Latin'], undefined],
  ['', ['Latin'], undefined],
  ['hello', [], 'Latin'],
  ['𠮷野家', ['Latin'], 'Han'],
  ['ᚠᚢᚦ', ['Latin'], 'Other'],
  ['e\u0301te\u0301 ﬁn', ['Latin'], undefined],
] as const)('%s, known %j: %s', (text, known, expected) => expect(unknownScript(text, known)).toBe(expected))
