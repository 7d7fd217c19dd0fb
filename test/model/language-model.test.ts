/** The language model: the losses of next tokens, over the whole vocabulary and over a sample. */
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createRandom } from '../../src/core/random.ts'
import { tokenLosses } from '../../src/model/language-model.ts'
import { denseLayers } from '../../src/model/layers.ts'
import { largestDifference } from '../export/fixtures.ts'
import { naiveLogits } from '../export/naive-gpt2.ts'
import { config, toTensors, tokens, weights } from './fixtures.ts'

beforeAll(async () => {
  tf.enableProdMode() // else TF.js prints an advertisement for its native package
  await tf.setBackend('cpu')
})

const rows = [tokens(6, 1), tokens(6, 2)]
const vocabulary = Array.from({ length: config.vocab_size }, (_, id) => id)

/** The logits of every token after each prefix of the texts, in plain loops. */
const naive = rows.flatMap((ids) =>
  ids.slice(0, -1).map((_, at) => {
    const head = new Map(weights).set('score.weight', weights.get('transformer.wte.weight')!)
    return naiveLogits(config, head, ids.slice(0, at + 1), Array(at + 1).fill(1))
  }),
)
const next = rows.flatMap((ids) => ids.slice(1))

function losses(candidates: number[], biases: number[]): number[] {
  const places = rows.map((ids) => ids.slice(1).map((id) => candidates.indexOf(id)))
  return tf.tidy(() => {
    const tensors = {
      ...toTensors(weights),
      input_ids: tf.tensor2d(
        rows.map((ids) => ids.slice(0, -1)),
        undefined,
        'int32',
      ),
      attention_mask: tf.ones([2, 5], 'int32'),
      next_candidates: tf.tensor2d(places, undefined, 'int32'),
      candidates: tf.tensor1d(candidates, 'int32'),
      candidate_biases: tf.tensor1d(biases),
    }
    return tokenLosses(config, tensors, { layers: denseLayers(config, tensors) }).arraySync()
  })
}

describe('tokenLosses', () => {
  it('is exact over the whole vocabulary', () => {
    const expected = naive.map(
      (logits, at) => Math.log(logits.reduce((sum, x) => sum + Math.exp(x), 0)) - logits[next[at]!]!,
    )
    expect(largestDifference(losses(vocabulary, Array(config.vocab_size).fill(0)), expected)).toBeLessThan(1e-4)
  })

  it('weighs the candidates of a sample by their biases', () => {
    const random = createRandom(5)
    const candidates = random.shuffle([...new Set([...next, 3, 4])])
    const biases = candidates.map(() => random.normal())
    const expected = naive.map((logits, at) => {
      const biased = candidates.map((id, place) => logits[id]! + biases[place]!)
      return Math.log(biased.reduce((sum, x) => sum + Math.exp(x), 0)) - biased[candidates.indexOf(next[at]!)]!
    })
    expect(largestDifference(losses(candidates, biases), expected)).toBeLessThan(1e-4)
  })
})
