/** Encoding for a model: cut to its length, padded as it was trained, refused where tokenizer and embeddings differ. */
import ranks from 'js-tiktoken/ranks/gpt2'
import { describe, expect, it } from 'vitest'
import { createConfig } from '../../src/core/families/gpt2.ts'
import { createEncoder, padToken } from '../../src/core/encoder.ts'
import { createGpt2Tokenizer } from '../../src/core/tokenizer/gpt2.ts'

const tokenizer = createGpt2Tokenizer(ranks)
const word = ' word'

describe('createEncoder', () => {
  const encode = createEncoder(createConfig({ n_positions: 6 }), tokenizer)

  it('cuts after the maximum length, or where the positions end, and says so', () => {
    const lengthOf = (count: number, maxLength: number) => {
      const { ids, truncated } = encode(word.repeat(count), maxLength)
      return [ids.length, truncated]
    }
    expect(lengthOf(3, 4)).toEqual([3, false])
    expect(lengthOf(4, 4)).toEqual([4, false])
    expect(lengthOf(5, 4)).toEqual([4, true])
    expect(lengthOf(6, 100)).toEqual([6, false])
    expect(lengthOf(7, 100)).toEqual([6, true])
  })

  it('refuses a model with fewer embeddings than the tokenizer has ids', () => {
    expect(() => createEncoder(createConfig({ vocab_size: 50256 }), tokenizer)).toThrow(
      expect.objectContaining({ code: 'config', value: 50256 }),
    )
    expect(() => createEncoder(createConfig({ vocab_size: 50304 }), tokenizer)).not.toThrow()
  })
})

describe('padToken', () => {
  it.each([
    [0, 0],
    [7, 7],
    [null, 50256],
    [undefined, 50256],
  ])('of a pad_token_id of %s is %i', (pad_token_id, expected) => {
    expect(padToken(createConfig({ pad_token_id }))).toBe(expected)
  })
})
