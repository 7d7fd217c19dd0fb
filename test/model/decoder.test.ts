/** Llama-shaped decoders: padding does not matter, the last real token is classified, and each row may have its own adapter. */
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { familyNamed, parseConfig } from '../../src/core/families.ts'
import type { ModelConfig } from '../../src/core/family.ts'
import { initializeBase, initializeHead, normal } from '../../src/core/initialize.ts'
import { adaptableLayers } from '../../src/core/layers.ts'
import { createRandom } from '../../src/core/random.ts'
import type { TensorData, TensorMap } from '../../src/core/tensors.ts'
import { classify } from '../../src/model/families.ts'
import { type Layers, denseLayers, loraLayers, stackedLoraLayers } from '../../src/model/layers.ts'
import type { Tensors } from '../../src/model/parameters.ts'
import { largestDifference } from '../export/fixtures.ts'
import { type Row, toTensors } from './fixtures.ts'

beforeAll(async () => {
  tf.enableProdMode() // else TF.js prints an advertisement for its native package
  await tf.setBackend('cpu')
})

const sizes = { width: 24, layers: 2, heads: 6, inner: 32, positions: 16, vocabulary: 30 }
const PAD = 2

const configOf = (pad_token_id: number | null): ModelConfig =>
  parseConfig({ model_type: 'llama', ...familyNamed('llama').fieldsOf(sizes), initializer_range: 0.3, pad_token_id })

const config = configOf(PAD)
const weights: TensorMap = new Map([
  ...initializeBase(config, createRandom(1)),
  ...initializeHead(config, 3, createRandom(2)),
])

/** Logits [labels] of texts of equal length. */
function logitsOf(
  rows: readonly Row[],
  of = config,
  layers: (parameters: Tensors) => Layers = (parameters) => denseLayers(of, parameters),
): number[][] {
  const matrix = (values: number[][]) => tf.tensor2d(values, undefined, 'int32')
  return tf.tidy(() => {
    const parameters = toTensors(weights)
    const batch = {
      inputIds: matrix(rows.map(({ ids }) => ids)),
      attentionMask: matrix(rows.map(({ ids, mask }) => mask ?? ids.map(() => 1))),
    }
    return classify(of, parameters, batch, { layers: layers(parameters) }).arraySync()
  })
}

const one = (ids: number[], mask?: number[], of?: ModelConfig) => logitsOf([{ ids, ...(mask && { mask }) }], of)[0]!

describe('a text', () => {
  const text = [5, 17, 9, 21, 4]

  it.each([
    ['on the right', [...text, 8, 8], [1, 1, 1, 1, 1, 0, 0]],
    ['on the left, where its places are others', [8, 8, 8, ...text], [0, 0, 0, 1, 1, 1, 1, 1]],
  ])('is the same with padding %s', (_, ids, mask) => {
    expect(largestDifference(one(ids, mask), one(text))).toBeLessThan(1e-5)
  })

  it('is its tokens in their order', () => {
    expect(largestDifference(one([17, 5, 9, 21, 4]), one(text))).toBeGreaterThan(1e-2)
    expect(largestDifference(one(text.slice(1)), one(text))).toBeGreaterThan(1e-2)
  })

  it('ends before its own padding tokens', () => {
    expect(largestDifference(one([...text, PAD, PAD]), one(text))).toBeLessThan(1e-5)
  })

  it('ends where its mask does, in a model without a padding token', () => {
    const without = configOf(null)
    const ended = [...text, PAD]
    expect(largestDifference(one(ended, undefined, without), one(text))).toBeGreaterThan(1e-2)
    const padded = one([...ended, 0, 0], [1, 1, 1, 1, 1, 1, 0, 0], without)
    expect(largestDifference(padded, one(ended, undefined, without))).toBeLessThan(1e-5)
  })

  it('of padding alone is its first token', () => {
    expect(largestDifference(one([PAD, PAD, PAD]), one([PAD]))).toBeLessThan(1e-5)
  })

  it('is no longer than the positions', () => {
    expect(() => one(Array.from({ length: sizes.positions + 1 }, () => 4))).toThrow('slice')
  })
})

describe('rows of a batch', () => {
  const rows = [
    { ids: [5, 17, 9, 21, 4, 7] },
    { ids: [11, 3, 8, 19, 6, 6], mask: [1, 1, 1, 0, 0, 0] },
    { ids: [22, 23, 24, 25, 26, 27] },
  ]
  const layers = adaptableLayers(config)
  const adapters = [0, 1].map((seed) => {
    const random = createRandom(10 + seed)
    const pairs = layers.flatMap(({ name, in: input, out }) => [
      [`${name}.lora_A`, normal([input, 2], 0.3, random)] as const,
      [`${name}.lora_B`, normal([2, out], 0.3, random)] as const,
    ])
    return new Map<string, TensorData>(pairs)
  })
  const tensor = (name: string, at: number) => {
    const { data, shape } = adapters[at]!.get(name)!
    return tf.tensor(data, shape)
  }
  const names = [...adapters[0]!.keys()]

  it('are each computed for itself', () => {
    const together = logitsOf(rows)
    for (const [at, row] of rows.entries())
      expect(largestDifference(together[at]!, logitsOf([row])[0]!)).toBeLessThan(1e-5)
  })

  it('go through the adapters that they name', () => {
    const chosen = [1, 0, 1]
    const stacked = logitsOf(rows, config, (parameters) => {
      for (const name of names) parameters[name] = tf.stack([tensor(name, 0), tensor(name, 1)])
      parameters['score.weight'] = tf.stack([parameters['score.weight']!, parameters['score.weight']!])
      const targets = new Set(layers.map(({ name }) => name))
      return stackedLoraLayers(config, parameters, targets, tf.tensor1d(chosen, 'int32'))
    })
    for (const [at, row] of rows.entries()) {
      const [alone] = logitsOf([row], config, (parameters) => {
        for (const name of names) parameters[name] = tensor(name, chosen[at]!)
        return loraLayers(config, parameters, { scalings: new Map(layers.map(({ name }) => [name, 1])) })
      })
      expect(largestDifference(stacked[at]!, alone!)).toBeLessThan(1e-4)
      expect(largestDifference(stacked[at]!, logitsOf([row])[0]!)).toBeGreaterThan(1e-2)
    }
  })
})
