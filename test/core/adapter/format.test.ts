/** Adapters: PEFT's format to the byte, round trips, and what tells one from another. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseAdapter, serializeAdapter } from '../../../src/core/adapter.ts'
import { checkAdapter } from '../../../src/core/adapter/fit.ts'
import { adapterIdentity } from '../../../src/core/adapter/version.ts'
import { createConfig } from '../../../src/core/families/gpt2.ts'
import { loraDelta } from '../../../src/core/lora.ts'
import { parseSafetensors } from '../../../src/core/safetensors.ts'
import { randomAdapter, tinyConfig, scoreOf } from '../../fixtures/adapter.ts'
import { hasSharedData, sharedData } from '../../shared-data.ts'
import { adapter, filesOf, weightsFile } from './files.ts'

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
