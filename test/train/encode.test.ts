/** Texts become token ids of the compact vocabulary, cut to length, and labels their ids. */
import { describe, expect, it } from 'vitest'
import ranks from 'js-tiktoken/ranks/gpt2'
import { createConfig } from '../../src/core/families/gpt2.ts'
import { createGpt2Tokenizer } from '../../src/core/tokenizer/gpt2.ts'
import type { Dataset, LabelledExample } from '../../src/train/dataset.ts'
import { encodeDataset } from '../../src/train/encode.ts'

const example = (text: string, label: string, line = 2): LabelledExample => ({ text, label, line, file: 'train.csv' })
const splits = {
  train: [example('Free prizes for you', 'spam'), example('See you at ten', 'ham')],
  validation: [example('see you', 'ham')],
  test: [example('Free 🎁 prizes', 'spam')],
}
// Encoding reads labels and splits only.
const dataset = { labels: ['ham', 'spam'], splits } as unknown as Dataset
const config = createConfig({ n_positions: 8 })
const baseOf = (own: ReturnType<typeof createConfig>) => ({ config: own, tokenizer: 'gpt2' as const })
const tokenizer = createGpt2Tokenizer(ranks)

describe('encodeDataset', () => {
  it("gives the tokenizer's ids, label ids, and one vocabulary for all parts", async () => {
    const encoded = await encodeDataset(dataset, baseOf(config), 20)
    const { ids } = encoded.vocabulary
    for (const name of ['train', 'validation', 'test'] as const) {
      const texts = encoded[name].sequences.map((sequence) => sequence.map((id) => ids[id]))
      expect(texts).toEqual(splits[name].map(({ text }) => tokenizer.encode(text).ids))
    }
    expect(encoded.train.labels).toEqual([1, 0])
    expect(encoded.test.labels).toEqual([1])
    expect(ids[encoded.padTokenId]).toBe(50256)
  })

  it.each([
    ['the maximal length', 3, 3],
    ["the model's positions", 100, 8],
  ])('cuts texts after %s', async (_, maxLength, expected) => {
    const long = {
      ...dataset,
      splits: { ...splits, test: [example('one two three four five six seven eight nine', 'ham')] },
    }
    const encoded = await encodeDataset(long, baseOf(config), maxLength)
    expect(encoded.test.sequences[0]).toHaveLength(expected)
    expect(encoded.maxLength).toBe(expected)
  })

  it("refuses a base without GPT-2's vocabulary, and an unknown label with its place", async () => {
    await expect(encodeDataset(dataset, baseOf(createConfig({ vocab_size: 100 })), 8)).rejects.toThrow(
      expect.objectContaining({ code: 'config', value: 100, message: expect.stringContaining('100') }),
    )
    const wrong = { ...dataset, splits: { ...splits, train: [example('x', 'eggs', 7)] } }
    await expect(encodeDataset(wrong, baseOf(config), 8)).rejects.toThrow(
      expect.objectContaining({ code: 'data-label', file: 'train.csv', line: 7, value: 'eggs' }),
    )
  })

  it.each([
    ["the configuration's", 5],
    ["GPT-2's end of text where that names none", null],
  ])('pads with %s', async (_, token) => {
    const { padTokenId, vocabulary } = await encodeDataset(dataset, baseOf(createConfig({ pad_token_id: token })), 8)
    expect(vocabulary.ids[padTokenId]).toBe(token ?? 50256)
  })
})
