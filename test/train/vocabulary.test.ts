/** The compact vocabulary loses nothing: ids, embeddings, and the rows that no text uses. */
import { describe, expect, it } from 'vitest'
import type { TensorMap } from '../../src/core/tensors.ts'
import { createVocabulary } from '../../src/train/vocabulary.ts'

const WTE = 'transformer.wte.weight'
const sequences = [[7, 2, 7], [], [4, 2]]
const vocabulary = createVocabulary(sequences, { padTokenId: 9, embedding: 'transformer.wte' })
const bias = { shape: [1], data: Float32Array.of(5) }
/** Row i of the embedding is [i, -i]. */
const full: TensorMap = new Map([
  ['bias', bias],
  [WTE, { shape: [10, 2], data: Float32Array.from({ length: 20 }, (_, at) => (at % 2 ? -1 : 1) * Math.floor(at / 2)) }],
])

describe('createVocabulary', () => {
  it('holds each token in use once, and the padding token', () => {
    expect(vocabulary.ids).toEqual([2, 4, 7, 9])
    expect(sequences.map((ids) => vocabulary.compact(ids))).toEqual([[2, 0, 2], [], [1, 0]])
    expect(() => vocabulary.compact([3])).toThrow('token 3 is not in the compact vocabulary')
  })

  it('leaves padding its id where there are as many tokens', () => {
    const { ids, compact } = createVocabulary([[8, 5, 9]], { padTokenId: 1, embedding: 'x' })
    expect(ids).toEqual([5, 1, 8, 9])
    expect(compact([5, 8, 9, 1])).toEqual([0, 2, 3, 1])
  })

  it('keeps the rows in use, in their order, and the other weights as they are', () => {
    const restricted = vocabulary.restrict(full)
    expect(restricted.get(WTE)).toEqual({ shape: [4, 2], data: Float32Array.of(2, -2, 4, -4, 7, -7, 9, -9) })
    expect(restricted.get('bias')).toBe(bias)
    expect([...restricted.keys()]).toEqual([...full.keys()])
  })

  it('puts trained rows back where they were, and leaves the others and the base alone', () => {
    const before = structuredClone(full)
    const trained = new Map(vocabulary.restrict(full)).set(WTE, { shape: [4, 2], data: new Float32Array(8).fill(100) })
    const { shape, data } = vocabulary.expand(trained, full, 10).get(WTE)!
    const expected = full.get(WTE)!.data.map((value, at) => ([2, 4, 7, 9].includes(Math.floor(at / 2)) ? 100 : value))
    expect({ shape, data }).toEqual({ shape: [10, 2], data: expected })
    expect(full).toEqual(before)
  })

  it('gives the full embedding again where nothing was trained', () => {
    expect(vocabulary.expand(vocabulary.restrict(full), full, 10)).toEqual(full)
  })

  it('puts the rows of an adapter among zeros, and leaves other tensors alone', () => {
    const a = { shape: [4, 1], data: Float32Array.of(1, 2, 3, 4) }
    const expanded = vocabulary.expand(new Map([...full, ['transformer.wte.lora_A', a]]).set(WTE, a), new Map(), 10)
    expect(expanded.get('transformer.wte.lora_A')).toEqual({
      shape: [10, 1],
      data: Float32Array.of(0, 0, 1, 0, 2, 0, 0, 3, 0, 4),
    })
    expect(expanded.get('bias')).toBe(bias)
  })
})
