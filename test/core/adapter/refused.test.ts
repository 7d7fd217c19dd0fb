/** An error for each thing in an adapter that does not fit. */
import { describe, expect, it } from 'vitest'
import { parseAdapter } from '../../../src/core/adapter.ts'
import { checkAdapter } from '../../../src/core/adapter/fit.ts'
import type { TensorMap } from '../../../src/core/tensors.ts'
import { tinyConfig } from '../../fixtures/adapter.ts'
import { adapter, filesOf, weightsFile, withTensors } from './files.ts'

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
