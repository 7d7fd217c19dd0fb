/** LoRA's arithmetic by its properties: scaling, choice of layers, ΔW, merging. */
import { describe, expect, it } from 'vitest'
import { loraDelta, type LoraScaling, loraScaling, matchTargetModules, mergeLora } from '../../src/core/lora.ts'
import { adaptableLayers } from '../../src/core/layers.ts'
import { randomAdapter, randomWeights, tinyConfig, scoreOf } from '../fixtures/adapter.ts'

const layers = adaptableLayers(tinyConfig)
const names = layers.map(({ name }) => name)

describe('scaling', () => {
  it.each<[LoraScaling, number]>([
    ['peft', 4],
    ['rslora', 8],
    ['alpha', 16],
  ])('%s of α 16 and r 4 is %d, also by way of the stored configuration', (scaling, expected) => {
    expect(loraScaling({ mode: scaling, alpha: 16, rank: 4 })).toBe(expected)
    const { layers } = randomAdapter({ scaling, alpha: 16, rank: 4 })
    expect(Array.from(layers.values(), (layer) => layer.scaling)).toEqual(Array(8).fill(expected))
  })
})

describe('matchTargetModules', () => {
  it.each<[string, string | string[], number]>([
    ['all linear layers, but not the embedding', 'all-linear', 8],
    ['the embedding too', ['wte', 'c_fc'], 3],
    ['endings', ['c_attn', 'c_fc'], 4],
    ['longer endings', ['attn.c_proj'], 2],
    ['whole names', ['transformer.h.1.mlp.c_fc'], 1],
    ['a regular expression for the whole name', '.*\\.attn\\.c_(attn|proj)', 4],
    ['a regular expression with alternatives', 'x|.*c_fc', 2],
    ["Python's groups with a name", '(?P<block>transformer\\.h\\.1)\\.mlp\\..+', 2],
    ['anchors, which whole names need not', '^transformer\\.h\\.\\d+\\.mlp\\.c_fc$', 2],
  ])('%s', async (_, spec, count) => {
    expect(await matchTargetModules(layers, spec)).toHaveLength(count)
  })

  it('keeps model order', async () => {
    expect(await matchTargetModules(layers.slice(0, 4), ['c_fc', 'c_attn', 'wte'])).toEqual([
      names[0],
      names[1],
      names[3],
    ])
  })

  it.each<[string, string | string[], string]>([
    ['a part of a name', ['attn.c'], '"attn.c"'],
    ['an ending within a word', ['_attn'], '"_attn"'],
    ['a regular expression for a part', 'attn', '"attn"'],
    ['nothing', [], '[]'],
    ['one of several names', ['c_attn', 'c_porj', 'mlp'], '"c_porj", "mlp"'],
    ['what stands for all, in a list', ['all-linear'], '"all-linear"'],
  ])('%s matches nothing: an error that lists the layers', async (_, spec, named) => {
    await expect(matchTargetModules(layers, spec)).rejects.toThrow(
      expect.objectContaining({
        code: 'usage',
        message: `target modules ${named} match no layer of the model`,
        hint: expect.stringContaining('attn.c_proj, mlp.c_fc, mlp.c_proj'),
      }),
    )
  })

  it.each<[string, string, string]>([
    ['broken', 'c_(attn', 'missing closing )'],
    ['with a lookahead', '(?!.*mlp).*', '(?!'],
    ['with a lookbehind', '.*(?<=attn)', '(?<='],
    ['with a backreference', '(.).*\\1', '\\1'],
    ["with JavaScript's group names", '(?<block>.*)c_attn', '(?<'],
    ["with JavaScript's escapes", 'c\\u005fattn', '\\u'],
    ['with a count that RE2 takes for letters', 'transformer\\.h\\.\\d{,2}\\..*', '{,'],
    ['that is as good as endless', '(.{9}){99}', 'it repeats too much too often'],
    ['that is too long', 'a'.repeat(5000), 'it has 5000 characters'],
  ])('an expression %s is refused by name', async (_, spec, named) => {
    await expect(matchTargetModules(layers, spec)).rejects.toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(named) }),
    )
  })

  it('takes no time for an expression that a backtracking engine never ends', async () => {
    const long = layers.map((layer) => ({ ...layer, name: `${layer.name}.${'a'.repeat(50)}` }))
    await expect(matchTargetModules(long, 'transformer(.*a)*(.*a)*(.*a)*(.*a)*b')).rejects.toThrow('match no layer')
  })
})

describe('loraDelta', () => {
  it('is s·A·B', () => {
    const a = { shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) }
    const b = { shape: [2, 3], data: new Float32Array([1, 0, -1, 0.5, 2, 0]) }
    expect(loraDelta({ a, b, scaling: 2 })).toEqual({ shape: [2, 3], data: new Float32Array([4, 8, -2, 10, 16, -6]) })
  })
})

describe('mergeLora', () => {
  const weights = randomWeights(tinyConfig)
  const adapter = randomAdapter({ targetModules: ['c_attn', 'mlp.c_proj'], rank: 2, alpha: 3 })
  const merged = mergeLora(weights, adapter, tinyConfig)

  it('adds ΔW to the weights of its layers, takes its head, and shares the rest', () => {
    const changed = [...merged].filter(([name, tensor]) => weights.get(name) !== tensor).map(([name]) => name)
    expect(changed).toEqual([...[...adapter.layers.keys()].map((name) => `${name}.weight`), 'score.weight'])
    for (const [name, layer] of adapter.layers) {
      const delta = loraDelta(layer)
      const expected = weights.get(`${name}.weight`)?.data.map((value, index) => value + (delta.data[index] ?? NaN))
      expect(merged.get(`${name}.weight`)?.data).toEqual(expected)
    }
    expect(merged.get('score.weight')).toBe(scoreOf(adapter))
  })

  it('leaves the base as it was, so merging again gives the same', () => {
    expect(weights).toEqual(randomWeights(tinyConfig))
    expect(mergeLora(weights, adapter, tinyConfig)).toEqual(merged)
  })

  it('changes nothing but the head while B is zero', () => {
    const fresh = randomAdapter()
    for (const { b } of fresh.layers.values()) b.data.fill(0)
    expect(mergeLora(weights, fresh, tinyConfig)).toEqual(new Map(weights).set('score.weight', scoreOf(fresh)))
  })

  it('refuses a base without the layer or with another shape', () => {
    const name = 'transformer.h.0.attn.c_attn'
    const without = new Map(weights)
    without.delete(`${name}.weight`)
    expect(() => mergeLora(without, adapter, tinyConfig)).toThrow(`${name} [8, 24] of the adapter is not in the base`)
    const other = new Map(weights).set(`${name}.weight`, { shape: [24, 8], data: new Float32Array(192) })
    expect(() => mergeLora(other, adapter, tinyConfig)).toThrow(`${name} [8, 24] of the adapter is [24, 8] in the base`)
  })
})
