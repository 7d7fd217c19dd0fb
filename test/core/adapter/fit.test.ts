/** Whether an adapter fits a base: what is checked, and what is said. */
import { describe, expect, it } from 'vitest'
import type { Adapter } from '../../../src/core/adapter.ts'
import { checkAdapter } from '../../../src/core/adapter/fit.ts'
import { createConfig } from '../../../src/core/families/gpt2.ts'
import { randomAdapter, tinyConfig } from '../../fixtures/adapter.ts'
import { adapter } from './files.ts'

describe('checkAdapter', () => {
  const { baseSha256 } = adapter.info
  const check = (other: Adapter, config = tinyConfig, sha256 = baseSha256) =>
    checkAdapter(other, { config: config, sha256: sha256, tokenizer: 'gpt2' }, 'dir')

  it('accepts the base that it was trained on, with any choice of layers', async () => {
    for (const each of [adapter, randomAdapter({ targetModules: '.*\\.1\\.mlp\\.c_fc' })])
      expect(await check(each)).toBe(each)
  })

  it('refuses another base by its hash', async () => {
    await expect(check(adapter, tinyConfig, 'c'.repeat(64))).rejects.toThrow(
      expect.objectContaining({ code: 'adapter-base', hint: expect.stringContaining('models/tiny') }),
    )
  })

  it('refuses the same weights with another configuration, and takes an adapter that does not tell of one', async () => {
    const { n_head, layer_norm_epsilon, activation_function } = tinyConfig
    const baseConfig = { n_head, layer_norm_epsilon, activation_function }
    const telling = { ...adapter, info: { ...adapter.info, baseConfig } }
    const other = { ...tinyConfig, n_head: 2 * n_head }
    expect(await check(telling)).toBe(telling)
    expect(await check(adapter, other)).toBe(adapter)
    await expect(check(telling, other)).rejects.toThrow(
      expect.objectContaining({ code: 'adapter-base', message: expect.stringContaining(`n_head ${n_head}, not`) }),
    )
    const later = { ...telling, info: { ...telling.info, baseConfig: { ...baseConfig, rotary: 1 } } }
    expect(await check(later)).toBe(later)
  })

  it('refuses layers that its configuration does not name, or names without weights', async () => {
    const more = { ...adapter, config: { ...adapter.config, target_modules: ['c_attn'] } }
    await expect(check(more)).rejects.toThrow(
      'weights for transformer.h.0.attn.c_proj, which is none of its target modules',
    )
    const layers = new Map([...adapter.layers].slice(1))
    await expect(check({ ...adapter, layers })).rejects.toThrow('no weights for transformer.h.0.attn.c_attn')
  })

  const configured = (fields: object) => ({ ...adapter, config: { ...adapter.config, ...fields } })

  it.each<[string, Adapter]>([
    ['target_modules "c_porj"', configured({ target_modules: ['c_attn', 'c_proj', 'c_fc', 'c_porj'] })],
    ['exclude_modules "c_porj"', configured({ exclude_modules: ['c_porj'] })],
    ['exclude_modules "c_.*j"', configured({ exclude_modules: 'c_.*j' })],
    ['rank_pattern "h.2.*"', configured({ rank_pattern: { 'h.2.*': 3 } })],
    ['alpha_pattern "^h.0.attn.c_attn"', configured({ alpha_pattern: { '^h.0.attn.c_attn': 3 } })],
    ['layers_to_transform 7', configured({ layers_to_transform: [0, 1, 7] })],
    ['layers_pattern "layers"', configured({ layers_to_transform: [0, 1], layers_pattern: ['h', 'layers'] })],
  ])('refuses what matches nothing: %s', async (named, other) => {
    await expect(check(other)).rejects.toThrow(
      expect.objectContaining({
        code: 'adapter',
        message: `dir: ${named} in adapter_config.json matches nothing in the base`,
        hint: expect.stringContaining('attn.c_proj, mlp.c_fc, mlp.c_proj, in blocks 0 to 1'),
      }),
    )
  })

  it('lets be excluded what has no adapters anyway', async () => {
    const excluded = configured({ exclude_modules: ['score', 'lm_head', 'wpe'] })
    expect(await check(excluded)).toBe(excluded)
  })

  it('names a layer that the base has no adapters for', async () => {
    const layers = new Map(adapter.layers).set('score', adapter.layers.get('transformer.h.0.attn.c_attn')!) // is there
    await expect(check({ ...adapter, layers })).rejects.toThrow(
      'has weights for score, and the base has no such layer that takes an adapter',
    )
  })

  it('refuses a base of other sizes', async () => {
    await expect(check(adapter, createConfig({ ...tinyConfig, n_layer: 1 }))).rejects.toThrow(
      'weights for transformer.h.1',
    )
    await expect(check(adapter, createConfig({ ...tinyConfig, n_inner: 13 }))).rejects.toThrow(
      'transformer.h.0.mlp.c_fc is 8 × 12, and 8 × 13 in the base',
    )
    const head = new Map([['score.weight', { shape: [2, 9], data: new Float32Array(18) }]])
    await expect(check({ ...adapter, head })).rejects.toThrow(
      'score.weight is [2, 9], and [2, 8] in a head of the base',
    )
    await expect(check({ ...adapter, head: new Map() })).rejects.toThrow(
      'dir has no classification head: base_model.model.score.weight is missing',
    )
  })
})
