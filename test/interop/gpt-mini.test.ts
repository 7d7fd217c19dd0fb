/** The base that ships: transformers' language model gives each next token the same loss, and reads the same tokens. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as tf from '@tensorflow/tfjs'
import ranks from 'js-tiktoken/ranks/gpt2'
import { beforeAll, describe, expect, it } from 'vitest'
import { createGpt2Tokenizer } from '../../src/core/tokenizer/gpt2.ts'
import { readBase } from '../../src/files/base-folder.ts'
import { tokenLosses } from '../../src/model/language-model.ts'
import { denseLayers } from '../../src/model/layers.ts'
import { toTensors } from '../model/fixtures.ts'

interface Golden {
  text: string
  ids: number[]
  losses: number[]
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const golden: Golden = JSON.parse(readFileSync(path('./golden/gpt-mini.json'), 'utf8'))

beforeAll(async () => {
  tf.enableProdMode() // else TF.js prints an advertisement for its native package
  await tf.setBackend('cpu')
})

describe('models/gpt-mini', () => {
  it('is what transformers reads it as', async () => {
    const { config, weights, info } = await readBase(path('../../models/gpt-mini'))
    const { ids, losses, text } = golden
    expect(createGpt2Tokenizer(ranks).encode(text).ids).toEqual(ids)
    const found = tf.tidy(() => {
      const tensors = {
        ...toTensors(weights),
        input_ids: tf.tensor2d([ids.slice(0, -1)], undefined, 'int32'),
        attention_mask: tf.ones([1, ids.length - 1], 'int32'),
        next_candidates: tf.tensor2d([ids.slice(1)], undefined, 'int32'),
        candidates: tf.range(0, config.vocab_size, 1, 'int32'),
        candidate_biases: tf.zeros([config.vocab_size]),
      }
      return tokenLosses(config, tensors, { layers: denseLayers(config, tensors) }).arraySync()
    })
    for (const [at, loss] of losses.entries()) expect(found[at]).toBeCloseTo(loss, 3)
    expect(info).toMatchObject({ kind: 'base', corpus: { length: 8 } })
  })
})
