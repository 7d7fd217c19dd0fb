/** Fewer tokens: texts within are cut as before, others into pieces, and ids in all files move alike. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ranks from 'js-tiktoken/ranks/gpt2'
import { describe, expect, it } from 'vitest'
import { narrowTokenizer } from '../../../src/core/tokenizer/narrow.ts'
import { tokenizerFiles } from '../../../src/core/tokenizer/hugging-face.ts'
import { makeTokenizer } from '../../../src/core/tokenizer/make.ts'
import type { OwnTokenizer } from '../../../src/core/tokenizer.ts'
import { readTokenizer } from '../../../src/files/tokenizer-files.ts'
import { TEXTS } from '../../interop/texts.ts'

const golden = fileURLToPath(new URL('../../interop/golden/tokenizers', import.meta.url))

const open = (files: OwnTokenizer['files']) => makeTokenizer({ files, path: 'tokenizer.json', sha256: '' }, ranks)

async function filesOf(name: string): Promise<OwnTokenizer['files']> {
  if (name === 'gpt2') return tokenizerFiles(ranks, { maxLength: 64, padTokenId: 50256 })
  const source = await readTokenizer(`${golden}/${name}`)
  if (source === 'gpt2') throw new Error(`${name} is GPT-2's`)
  return source.files
}

const within = TEXTS.filter((_, at) => at % 2 === 0)
const others = [...TEXTS.filter((_, at) => at % 2 === 1), 'Zwölf Boxkämpfer jagen Viktor', 'xylophone 98765 €']

describe('tokens with names that JavaScript has plans for', () => {
  it('are tokens like any other', async () => {
    const tokens = ['[UNK]', 'constructor', '__proto__', '7', 'other']
    const entries = tokens.map((token, at) => `${JSON.stringify(token)}:${at}`) // of an object one would be lost
    const json = `{"added_tokens":[],"pre_tokenizer":{"type":"WhitespaceSplit"},"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{${entries.join()}}}}`
    const { files, ids } = narrowTokenizer({ 'tokenizer.json': json, 'vocab.txt': '' }, new Set([0, 1, 2, 3]))
    expect(ids).toEqual([0, 1, 2, 3])
    expect(files['vocab.txt']).toBe('[UNK]\nconstructor\n__proto__\n7\n')
    expect((await open(files)).encode('7 __proto__ constructor other').ids).toEqual([3, 2, 1, 0])
  })
})

describe.each(['gpt2', ...readdirSync(golden)])('%s with the tokens of some texts', async (name) => {
  const files = await filesOf(name)
  const whole = await open(files)
  const used = new Set(within.flatMap((text) => whole.encode(text).ids))
  const { files: narrow, ids } = narrowTokenizer(files, used)
  const small = await open(narrow)

  it('has fewer, as many as its ids say', () => {
    expect(ids.length).toBeLessThan(whole.vocabularySize)
    expect(small.vocabularySize).toBe(ids.length)
    expect(ids).toEqual(ids.toSorted((a, b) => a - b))
  })

  it('cuts texts within as before', async () => {
    for (const text of within) {
      const found = small.encode(text).ids
      expect(found.map((id) => ids[id])).toEqual(whole.encode(text).ids)
      expect(await small.decode(found)).toBe(await whole.decode(whole.encode(text).ids))
    }
  })

  it('cuts others into no fewer pieces, which it has', () => {
    for (const text of others) {
      const found = small.encode(text).ids
      expect(found.length).toBeGreaterThan(0)
      expect(found.filter((id) => ids[id] === undefined)).toEqual([])
    }
  })

  it('spells what is plain', async () => {
    const text = 'Quartz glyph, job vext'
    const [before, after] = await Promise.all([whole, small].map((each) => each.decode(each.encode(text).ids)))
    expect(after?.replaceAll(/\s/g, '')).toBe(before?.replaceAll(/\s/g, ''))
  })
})
