/** Random weights: their distributions, and that a seed gives them again. */
import { describe, expect, it } from 'vitest'
import { createConfig } from '../../src/core/families/gpt2.ts'
import { parameterShapes } from '../../src/core/layers.ts'
import { createRandom } from '../../src/core/random.ts'
import { initializeBase, initializeHead } from '../../src/core/initialize.ts'

const config = createConfig({ vocab_size: 300, n_embd: 64, n_layer: 2, n_head: 2, n_inner: 96 })
const weights = initializeBase(config, createRandom(1))

const deviation = (values: Float32Array) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length)

describe('initializeBase', () => {
  it('gives every tensor of a checkpoint its shape', () => {
    expect(new Map([...weights].map(([name, { shape }]) => [name, shape]))).toEqual(parameterShapes(config))
    for (const { shape, data } of weights.values()) expect(data).toHaveLength(shape.reduce((a, b) => a * b))
  })

  it.each([
    ['wte.weight', 0.02],
    ['h.1.attn.c_attn.weight', 0.02],
    ['h.0.mlp.c_proj.weight', 0.01], // 0.02 / √(2 · 2 layers)
    ['h.1.attn.c_proj.weight', 0.01],
  ])('%s is N(0, %d²)', (name, expected) => {
    const { data } = weights.get(`transformer.${name}`)!
    expect(deviation(data) / expected).toBeGreaterThan(0.95)
    expect(deviation(data) / expected).toBeLessThan(1.05)
    expect(Math.abs(data.reduce((sum, x) => sum + x, 0) / data.length)).toBeLessThan(0.002)
  })

  it('starts biases at 0 and normalization scales at 1', () => {
    const valuesOf = (pattern: RegExp) =>
      new Set([...weights].filter(([name]) => pattern.test(name)).flatMap(([, { data }]) => [...data]))
    expect(valuesOf(/\.bias$/)).toEqual(new Set([0]))
    expect(valuesOf(/\.ln_\w+\.weight$/)).toEqual(new Set([1]))
  })

  it('is the same for the same seed only, and no two tensors are alike', () => {
    expect(initializeBase(config, createRandom(1))).toEqual(weights)
    const other = initializeBase(config, createRandom(2))
    const name = 'transformer.h.0.mlp.c_fc.weight'
    expect(other.get(name)).not.toEqual(weights.get(name))
    expect(weights.get('transformer.h.1.mlp.c_fc.weight')).not.toEqual(weights.get(name))
  })
})

describe('initializeHead', () => {
  it('is score.weight [labels, n_embd]', () => {
    const head = initializeHead(config, 5, createRandom(1))
    expect([...head.keys()]).toEqual(['score.weight'])
    const { shape, data } = head.get('score.weight')!
    expect(shape).toEqual([5, 64])
    expect(deviation(data) / 0.02).toBeCloseTo(1, 0)
  })
})
