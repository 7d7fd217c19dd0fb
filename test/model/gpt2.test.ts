/** The classifier: it is GPT-2, padding does not matter, and the rightmost real token is classified. */
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { classify } from '../../src/model/families.ts'
import { denseLayers, stackedLoraLayers } from '../../src/model/layers.ts'
import type { Tensors } from '../../src/model/parameters.ts'
import { largestDifference } from '../export/fixtures.ts'
import { naiveLogits } from '../export/naive-gpt2.ts'
import { type Row, config, logitsOf, toTensors, tokens, weights } from './fixtures.ts'

beforeAll(async () => {
  tf.enableProdMode() // else TF.js prints an advertisement for its native package
  await tf.setBackend('cpu')
})

const ones = (count: number) => Array.from({ length: count }, () => 1)
const logits = (rows: Row[]) => logitsOf(weights, rows)
const one = (row: Row) => logits([row])[0]!

describe('classify', () => {
  it.each([1, 2, config.n_positions])('is GPT-2 in plain loops: %d tokens', (length) => {
    const ids = tokens(length)
    expect(largestDifference(one({ ids }), naiveLogits(config, weights, ids, ones(length)))).toBeLessThan(1e-5)
  })

  it.each([
    ['right padding', [1, 1, 1, 0, 0]],
    ['left padding', [0, 0, 1, 1, 1]],
    ['gaps', [1, 0, 1, 1, 0]],
    ['one real token', [0, 0, 1, 0, 0]],
  ])('is GPT-2 in plain loops: %s', (_, mask) => {
    const ids = tokens(5)
    expect(largestDifference(one({ ids, mask }), naiveLogits(config, weights, ids, mask))).toBeLessThan(1e-5)
  })

  it.each([
    ['on the right', [1, 1, 1, 0, 0]],
    ['on the left', [0, 0, 1, 1, 1]],
  ])('is the same whatever padding %s is made of', (_, mask) => {
    const [a, b] = [tokens(5, 1), tokens(5, 2)]
    const padded = mask.map((real, at) => (real ? a[at]! : b[at]!))
    expect(padded).not.toEqual(a)
    expect(one({ ids: padded, mask })).toEqual(one({ ids: a, mask }))
  })

  it('is the same with any amount of padding on the right', () => {
    const ids = tokens(4)
    for (const amount of [1, 6]) {
      const padding = Array.from({ length: amount }, () => 0)
      const padded = one({ ids: [...ids, ...padding], mask: [...ones(4), ...padding] })
      expect(largestDifference(padded, one({ ids }))).toBeLessThan(1e-6)
    }
  })

  it('takes each row of a batch for itself', () => {
    const rows = [1, 2, 3].map((seed) => ({ ids: tokens(6, seed), mask: [1, 1, 1, seed % 2, seed % 2, 0] }))
    const together = logits(rows)
    for (const [at, row] of rows.entries()) expect(largestDifference(together[at]!, one(row))).toBeLessThan(1e-6)
  })

  it('sees every real token, their order and their places', () => {
    const [first, ...rest] = tokens(5)
    const others = [
      [(first! + 1) % config.vocab_size, ...rest],
      [first!, ...rest.toReversed()],
      [first!, ...rest.slice(1)],
    ]
    const reference = one({ ids: [first!, ...rest] })
    for (const ids of others) expect(largestDifference(one({ ids }), reference)).toBeGreaterThan(1e-3)
  })

  it('gives each row a head of its own where there is one for each', () => {
    const rows = [{ ids: tokens(4, 1) }, { ids: tokens(4, 2) }]
    const { data, shape } = weights.get('score.weight')!
    const layers = (parameters: Tensors) => {
      parameters['score.weight'] = tf.stack([tf.tensor(data, shape), tf.mul(tf.tensor(data, shape), -2)])
      return stackedLoraLayers(config, parameters, new Set(), tf.tensor1d([0, 1], 'int32'))
    }
    const [first, second] = logitsOf(weights, rows, { layers })
    const expected = logits(rows)
    expect(largestDifference(first!, expected[0]!)).toBeLessThan(1e-6)
    expect(
      largestDifference(
        second!,
        expected[1]!.map((logit) => -2 * logit),
      ),
    ).toBeLessThan(1e-6)
  })

  it('gives float32 [batch, labels]', () => {
    const parameters = toTensors(weights)
    const batch = {
      inputIds: tf.tensor2d([tokens(3, 1), tokens(3, 2)], undefined, 'int32'),
      attentionMask: tf.ones<tf.Rank.R2>([2, 3], 'int32'),
    }
    const result = classify(config, parameters, batch, { layers: denseLayers(config, parameters) })
    expect({ dtype: result.dtype, shape: result.shape }).toEqual({ dtype: 'float32', shape: [2, 3] })
  })

  it('fails where there are more tokens than positions, and where a weight is missing', () => {
    expect(() => one({ ids: tokens(config.n_positions + 1) })).toThrow('slice')
    const without = new Map(weights)
    without.delete('transformer.h.1.ln_2.bias')
    expect(() => logitsOf(without, [{ ids: tokens(3) }])).toThrow('no parameter "transformer.h.1.ln_2.bias"')
  })
})
