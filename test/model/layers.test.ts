/** LoRA by its properties, in the whole model: ΔW starts at zero, and merging it changes no result. */
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Adapter, AdapterSettings } from '../../src/core/adapter.ts'
import { mergeLora } from '../../src/core/lora.ts'
import { createRandom } from '../../src/core/random.ts'
import type { TensorMap } from '../../src/core/tensors.ts'
import { type LoraOptions, loraLayers, stackedLoraLayers } from '../../src/model/layers.ts'
import type { Tensors } from '../../src/model/parameters.ts'
import { largestDifference } from '../export/fixtures.ts'
import { randomAdapter, scoreOf } from '../fixtures/adapter.ts'
import { config, logitsOf, tokens, weights } from './fixtures.ts'

beforeAll(async () => {
  tf.enableProdMode() // else TF.js prints an advertisement for its native package
  await tf.setBackend('cpu')
})

const rows = [1, 2, 3].map((seed) => ({ ids: tokens(6, seed), mask: [1, 1, 1, 1, seed % 2, 0] }))

/** An adapter whose ΔW is of the weights' own size. */
function createAdapter(settings: Partial<AdapterSettings> & { seed?: number } = {}): Adapter {
  const adapter = randomAdapter({ config, labels: ['a', 'b', 'c'], ...settings })
  for (const { a, b } of adapter.layers.values()) for (const { data } of [a, b]) data.set(data.map((x) => 0.2 * x))
  return adapter
}

/** The base and an adapter's pairs, as the model's parameters. */
function adapted({ layers, head }: Adapter): TensorMap {
  const tensors = new Map([...weights, ...head])
  for (const [name, { a, b }] of layers) tensors.set(`${name}.lora_A`, a).set(`${name}.lora_B`, b)
  return tensors
}

const adaptedLogits = (adapter: Adapter, options: Partial<LoraOptions> = {}) => {
  const defaults = { scalings: new Map([...adapter.layers].map(([name, { scaling }]) => [name, scaling])) }
  const layers = (parameters: Tensors) => loraLayers(config, parameters, { ...defaults, ...options })
  return logitsOf(adapted(adapter), rows, { layers })
}

const difference = (a: number[][], b: number[][]) => largestDifference(a.flat(), b.flat())

describe('loraLayers', () => {
  it('is the base while B is zero, bit for bit, with dropout too', () => {
    const adapter = createAdapter()
    for (const { b } of adapter.layers.values()) b.data.fill(0)
    const base = logitsOf(new Map(weights).set('score.weight', scoreOf(adapter)), rows)
    expect(adaptedLogits(adapter)).toEqual(base)
    const dropoutSource = { rows: tf.randomUniform<tf.Rank.R2>([3, 6]), random: createRandom(1) }
    expect(adaptedLogits(adapter, { dropoutRate: 0.5, dropoutSource })).toEqual(base)
  })

  it.each<[string, Partial<AdapterSettings>]>([
    ['every layer', {}],
    ['scaling by α/√r', { scaling: 'rslora' }],
    ['scaling by α', { scaling: 'alpha', alpha: 1.5 }],
    ['some layers', { targetModules: ['c_attn', 'mlp.c_proj'], rank: 5 }],
    ['the token embedding too', { targetModules: ['wte', 'c_fc'] }],
    ['layers by a regular expression', { targetModules: '.*1\\.mlp\\..*', rank: 1 }],
  ])('gives what the merged weights give: %s', (_, settings) => {
    const adapter = createAdapter(settings)
    const found = adaptedLogits(adapter)
    expect(difference(found, logitsOf(mergeLora(weights, adapter, config), rows))).toBeLessThan(1e-5)
    const base = logitsOf(new Map(weights).set('score.weight', scoreOf(adapter)), rows)
    expect(difference(found, base)).toBeGreaterThan(0.01)
  })

  it('drops only what goes into the adapter, and only where there are random numbers', () => {
    const adapter = createAdapter()
    expect(adaptedLogits(adapter, { dropoutRate: 0.5 })).toEqual(adaptedLogits(adapter))
    const dropoutSource = { rows: tf.randomUniform<tf.Rank.R2>([3, 6], 0, 1, 'float32', 5), random: createRandom(1) }
    const dropped = adaptedLogits(adapter, { dropoutRate: 0.5, dropoutSource })
    expect(difference(dropped, adaptedLogits(adapter))).toBeGreaterThan(0.01)
  })
})

describe('stackedLoraLayers', () => {
  it('takes each row through its own adapter', () => {
    const adapters = [1, 2].map((seed) => createAdapter({ seed, targetModules: ['c_fc', 'attn.c_proj', 'wte'] }))
    const targets = new Set(adapters[0]!.layers.keys())
    const indices = [1, 0, 1]
    const stacked = (parameters: Tensors) => {
      for (const name of targets) {
        const pairs = adapters.map(({ layers }) => layers.get(name)!)
        const stack = (part: 'a' | 'b') => tf.stack(pairs.map((pair) => tf.tensor(pair[part].data, pair[part].shape)))
        parameters[`${name}.lora_A`] = tf.mul(stack('a'), pairs[0]!.scaling)
        parameters[`${name}.lora_B`] = stack('b')
      }
      const heads = adapters.map((adapter) => scoreOf(adapter))
      parameters['score.weight'] = tf.stack(heads.map(({ data, shape }) => tf.tensor(data, shape)))
      return stackedLoraLayers(config, parameters, targets, tf.tensor1d(indices, 'int32'))
    }
    const found = logitsOf(weights, rows, { layers: stacked })
    for (const [row, index] of indices.entries()) {
      expect(largestDifference(found[row]!, adaptedLogits(adapters[index]!)[row]!)).toBeLessThan(1e-5)
    }
  })
})
