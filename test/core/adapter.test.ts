/** Adapters: PEFT's format to the byte, round trips, and an error for each thing that does not fit. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseAdapter, serializeAdapter, type Adapter } from '../../src/core/adapter.ts'
import { checkAdapter } from '../../src/core/adapter/fit.ts'
import { adapterIdentity } from '../../src/core/adapter/version.ts'
import { createConfig } from '../../src/core/families/gpt2.ts'
import { loraDelta } from '../../src/core/lora.ts'
import { parseSafetensors, serializeSafetensors } from '../../src/core/safetensors.ts'
import type { TensorMap } from '../../src/core/tensors.ts'
import { randomAdapter, tinyConfig, scoreOf } from '../fixtures/adapter.ts'
import { hasSharedData, sharedData } from '../shared-data.ts'

const weightsFile = 'adapter_model.safetensors'
const adapter = randomAdapter()

/** The files of an adapter as `parseAdapter` gets them. */
function filesOf(source: Adapter) {
  const files = serializeAdapter(source)
  return {
    ...files,
    'adapter_config.json': JSON.parse(files['adapter_config.json']),
    'graft.json': JSON.parse(files['graft.json']),
  }
}

/** The same files with changed tensors. */
function withTensors(change: (tensors: TensorMap) => unknown) {
  const files = filesOf(adapter)
  const { tensors } = parseSafetensors(files[weightsFile], weightsFile)
  change(tensors)
  return { ...files, [weightsFile]: serializeSafetensors(tensors) }
}

const noData = '../shared/data is not here'

describe('format', () => {
  it('reads what it wrote', async () => {
    expect(await parseAdapter(filesOf(adapter), 'dir')).toEqual(adapter)
  })

  it("stores PEFT's names and orientation: the product of its matrices is ΔW transposed", () => {
    const { tensors } = parseSafetensors(serializeAdapter(adapter)[weightsFile], 'x')
    const name = 'transformer.h.1.mlp.c_proj'
    const loraA = tensors.get(`base_model.model.${name}.lora_A.weight`)! // the next lines fail if it is not there
    const loraB = tensors.get(`base_model.model.${name}.lora_B.weight`)!
    expect(loraA.shape).toEqual([3, 12])
    expect(loraB.shape).toEqual([8, 3])
    const product = loraDelta({ a: loraB, b: loraA, scaling: 2 }) // [out, in]
    const delta = loraDelta(adapter.layers.get(name)!) // [in, out]
    for (let i = 0; i < 12; i++) {
      for (let j = 0; j < 8; j++) expect(product.data[j * 12 + i]).toBeCloseTo(delta.data[i * 8 + j]!, 5)
    }
    expect(tensors.get('base_model.model.score.weight')).toEqual(scoreOf(adapter))
  })

  it("stores an embedding's pair under PEFT's own names, and reads it back", async () => {
    const embedding = randomAdapter({ targetModules: ['wte', 'c_fc'] })
    const { tensors } = parseSafetensors(serializeAdapter(embedding)[weightsFile], 'x')
    const shapes = ['A', 'B'].map(
      (part) => tensors.get(`base_model.model.transformer.wte.lora_embedding_${part}`)?.shape,
    )
    expect(shapes).toEqual([
      [3, 20],
      [8, 3],
    ])
    const read = await parseAdapter(filesOf(embedding), 'dir')
    expect(read).toEqual(embedding)
    await checkAdapter(read, { config: tinyConfig, sha256: 'b'.repeat(64), tokenizer: 'gpt2' }, 'dir')
  })

  it('stores the configuration that makes PEFT compute the same', () => {
    expect(filesOf(randomAdapter({ scaling: 'alpha', alpha: 16, rank: 8 }))['adapter_config.json']).toEqual({
      base_model_name_or_path: 'models/tiny',
      bias: 'none',
      fan_in_fan_out: true,
      inference_mode: true,
      init_lora_weights: true,
      lora_alpha: 128,
      lora_dropout: 0.1,
      modules_to_save: ['score'],
      peft_type: 'LORA',
      r: 8,
      target_modules: ['c_attn', 'c_proj', 'c_fc'],
      task_type: 'SEQ_CLS',
      use_rslora: false,
    })
  })

  it('lays the tensors out as PEFT did for GPT-2 small and six labels', async ({ skip }) => {
    if (!hasSharedData) skip(noData)
    const config = createConfig({ n_embd: 768, n_layer: 12, n_head: 12, n_inner: null })
    const labels = ['sadness', 'joy', 'love', 'anger', 'fear', 'surprise']
    const ours = serializeAdapter(randomAdapter({ config, labels, rank: 8, targetModules: ['c_attn'] }))[weightsFile]
    const theirs = readFileSync(sharedData('peft-gpt2-lora-seqcls-LAYOUT-ONLY/safetensors_header.json'), 'utf8')
    const end = 8 + Number(new DataView(ours.buffer).getBigUint64(0, true))
    expect(new TextDecoder().decode(ours.subarray(8, end)).trimEnd()).toBe(theirs.trimEnd())
    expect(ours).toHaveLength(1_201_208)
    const theirConfig = JSON.parse(
      readFileSync(sharedData('peft-gpt2-lora-seqcls-LAYOUT-ONLY/adapter_config.json'), 'utf8'),
    )
    const info = randomAdapter({ labels }).info
    const files = { [weightsFile]: ours, 'adapter_config.json': theirConfig, 'graft.json': info } as const
    const read = await parseAdapter(files, 'peft')
    await checkAdapter(read, { config: config, sha256: info.baseSha256, tokenizer: 'gpt2' }, 'peft')
  })

  it('has no head of a real adapter for another task', async ({ skip }) => {
    if (!hasSharedData) skip(noData)
    const files = {
      ...filesOf(adapter),
      'adapter_config.json': JSON.parse(readFileSync(sharedData('peft-gpt2-lora-causal/adapter_config.json'), 'utf8')),
      [weightsFile]: readFileSync(sharedData(`peft-gpt2-lora-causal/${weightsFile}`)),
    }
    expect((await parseAdapter(files, 'causal')).head.size).toBe(0)
  })
})

describe('parseAdapter refuses', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['another kind', { peft_type: 'IA3' }, 'peft_type: "IA3" is not supported, only LORA'],
    ['trained biases', { bias: 'lora_only' }, 'bias: "lora_only" is not supported, only none'],
    ['DoRA', { use_dora: true }, 'use_dora: true is not supported'],
    ['an initialization that changes the base', { init_lora_weights: 'pissa' }, 'init_lora_weights: '],
    ['no rank', { r: 0 }, 'r: 0 is not supported, only whole numbers from 1 on'],
    ['half a rank', { r: 1.5 }, 'r: 1.5 is not supported'],
    ['a negative scale', { lora_alpha: -4 }, 'lora_alpha: -4 is not supported, only numbers above 0'],
    ['an endless scale', { lora_alpha: Infinity }, 'lora_alpha: Infinity is not supported'],
    ['no targets', { target_modules: null }, 'target_modules: null is not supported, only a list of names'],
    ['a rank for some layers that is none', { rank_pattern: { c_fc: 0 } }, 'rank_pattern.c_fc: 0 is not supported'],
    ['another task', { task_type: 'TOKEN_CLS' }, 'task_type: "TOKEN_CLS" is not supported'],
    ['biases of the pairs', { lora_bias: true }, 'lora_bias: true is not supported'],
    ['parameters as targets', { target_parameters: ['wte.weight'] }, 'target_parameters: […] is not supported'],
    ['a setting of the future', { use_magic: 'on' }, 'use_magic: "on" is a setting that Graft does not know'],
    ['settings within one another', { magic: JSON.parse('[{"a":[1]}]') }, 'magic: […] is a setting'],
    ['blocks of an expression', { target_modules: '.*', layers_to_transform: [1] }, 'layers_to_transform: is for'],
    ['a pattern for no blocks', { layers_pattern: 'h' }, 'layers_pattern: is set, and layers_to_transform is not'],
    ['an expression with a lookahead', { target_modules: '(?!x).*' }, 'target_modules "(?!x).*": '],
    ['a broken key', { rank_pattern: { 'c_(fc': 3 } }, 'rank_pattern "c_(fc": missing closing )'],
    [
      'a key for JavaScript',
      { alpha_pattern: { '(?<x>c_fc)': 3 } },
      'alpha_pattern "(?<x>c_fc)": `(?<` is not supported',
    ],
    ['an exclusion that is none', { exclude_modules: '(a' }, 'exclude_modules "(a": '],
    [
      'more patterns than there can be layers',
      { rank_pattern: Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`x${at}`, 3])) },
      'its 2001 patterns are too long',
    ],
  ])('%s', async (_, fields, message) => {
    const files = filesOf(adapter)
    const changed = { ...files, 'adapter_config.json': { ...files['adapter_config.json'], ...fields } }
    await expect(parseAdapter(changed, 'dir')).rejects.toThrow(
      expect.objectContaining({
        code: 'adapter',
        message: expect.stringContaining(`dir/adapter_config.json: ${message}`),
      }),
    )
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['a later version', { formatVersion: 2 }, 'formatVersion: version 2 is not known'],
    ['a bundle', { kind: 'merged' }, 'kind: '],
    ['a label twice', { labels: ['a', 'a'] }, 'labels: two labels have the name "a"'],
    ['one label', { labels: ['a'] }, 'labels: there is one label, and a classifier chooses between two or more'],
    ['a label without a name', { labels: ['a', ' '] }, 'labels: label 1 has no name'],
    ['a hash that is none', { baseSha256: 'abc' }, 'baseSha256: is not a SHA-256'],
  ])('%s', async (_, fields, message) => {
    const changed = { ...filesOf(adapter), 'graft.json': { ...adapter.info, ...fields } }
    await expect(parseAdapter(changed, 'dir')).rejects.toThrow(
      expect.objectContaining({ code: 'adapter', message: expect.stringContaining(`dir/graft.json: ${message}`) }),
    )
  })

  const key = 'base_model.model.transformer.h.0.attn.c_attn.lora_'
  it.each<[string, (tensors: TensorMap) => unknown, string]>([
    ['a missing half', (tensors) => tensors.delete(`${key}B.weight`), `${key}B.weight is missing`],
    ['a missing head', (tensors) => tensors.delete('base_model.model.score.weight'), 'it has no tensor of "score"'],
    [
      'a tensor of another kind',
      (tensors) => tensors.set('base_model.model.lora_magnitude', { shape: [0], data: new Float32Array(0) }),
      'unexpected tensor base_model.model.lora_magnitude',
    ],
    [
      'another rank',
      (tensors) => tensors.set(`${key}A.weight`, { shape: [2, 8], data: new Float32Array(16) }),
      `${key}A.weight is [2, 8], not a matrix with r = 3 rows`,
    ],
    [
      'a pair of a position embedding',
      (tensors) =>
        tensors.set('base_model.model.transformer.wpe.lora_embedding_A', { shape: [3, 1], data: new Float32Array(3) }),
      'base_model.model.transformer.wpe.lora_embedding_B is missing',
    ],
    [
      'a layer whole and adapted',
      (tensors) =>
        tensors.set('base_model.model.transformer.h.0.attn.c_attn.weight', {
          shape: [8, 24],
          data: new Float32Array(192),
        }),
      'c_attn.weight is there whole, and an adapter of it too',
    ],
    [
      'numbers that overflow when they are multiplied',
      (tensors) => ['A', 'B'].forEach((part) => tensors.get(`${key}${part}.weight`)?.data.fill(1e10)),
      'transformer.h.0.attn.c_attn with its scale of 2.00 is too large for single precision',
    ],
    [
      'a number that is not finite',
      (tensors) => tensors.get(`${key}B.weight`)?.data.fill(NaN, 5, 6),
      `${key}B.weight holds NaN`,
    ],
  ])('%s', async (_, change, message) => {
    await expect(parseAdapter(withTensors(change), 'dir')).rejects.toThrow(
      expect.objectContaining({ code: 'adapter', message: expect.stringContaining(message) }),
    )
  })

  it.each<[string, (tensors: TensorMap) => unknown, string]>([
    [
      'names with and without prefix',
      (tensors) =>
        ['A.weight', 'B.weight'].forEach((part) =>
          tensors.set(`base_model.model.h.0.attn.c_attn.lora_${part}`, tensors.get(`${key}${part}`)!),
        ), // is there
      'h.0.attn.c_attn has no transformer. in front, and others have',
    ],
    [
      'a tensor of the bare model',
      (tensors) => tensors.set('base_model.model.ln_f.weight', { shape: [8], data: new Float32Array(8) }),
      'ln_f.weight has no transformer. in front, and others have',
    ],
    [
      'a head for other labels',
      (tensors) => tensors.set('base_model.model.score.weight', { shape: [3, 8], data: new Float32Array(24) }),
      'its head has 3 rows for 2 labels',
    ],
    [
      'a pair under the names of an embedding',
      (tensors) => {
        for (const part of ['A', 'B']) {
          tensors.set(
            key.replace('lora_', `lora_embedding_${part}`),
            tensors.get(`${key}${part}.weight`)!, // is there
          )
          tensors.delete(`${key}${part}.weight`)
        }
      },
      'lora_embedding_A is for a layer of another kind than transformer.h.0.attn.c_attn',
    ],
  ])('%s, once its base is known', async (_, change, message) => {
    const read = await parseAdapter(withTensors(change), 'dir')
    await expect(
      checkAdapter(read, { config: tinyConfig, sha256: read.info.baseSha256, tokenizer: 'gpt2' }, 'dir'),
    ).rejects.toThrow(expect.objectContaining({ code: 'adapter', message: expect.stringContaining(message) }))
  })

  it('damaged weights', async () => {
    const files = { ...filesOf(adapter), [weightsFile]: new Uint8Array(9) }
    await expect(parseAdapter(files, 'dir')).rejects.toThrow(expect.objectContaining({ code: 'safetensors' }))
  })
})

describe('identity', () => {
  const { config, info } = adapter
  const identity = (changed: { config?: object; info?: object; weights?: string } = {}) =>
    adapterIdentity(
      { config: { ...config, ...changed.config }, info: { ...info, ...changed.info } },
      changed.weights ?? 'a',
    )

  it.each<[string, Parameters<typeof identity>[0]]>([
    ['weights', { weights: 'b' }],
    ['scale', { config: { lora_alpha: 7 } }],
    ['scale of some layers', { config: { alpha_pattern: { c_attn: 7 } } }],
    ['kind of scale', { config: { use_rslora: true } }],
    ['order of patterns, the first of which counts', { config: { rank_pattern: { c_fc: 3, 'mlp.c_fc': 3 } } }],
    ['labels', { info: { labels: ['spam', 'ham'] } }],
    ['base', { info: { baseSha256: 'c'.repeat(64) } }],
    ['length', { info: { maxLength: 9 } }],
  ])('differs by %s', (_, changed) => {
    expect(identity(changed)).not.toBe(identity())
    const turned = identity({ config: { rank_pattern: { 'mlp.c_fc': 3, c_fc: 3 } } })
    expect(identity(changed)).not.toBe(turned)
  })

  it('is the same whatever it was called, and however it was trained', () => {
    const elsewhere = { base_model_name_or_path: 'other', lora_dropout: 0, exclude_modules: null }
    expect(identity({ config: elsewhere, info: { seed: 9, metrics: {} } })).toBe(identity())
  })
})

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
