/** What the configurations of Llama-shaped decoders say, and what of them is refused. */
import { describe, expect, it } from 'vitest'
import { modelOf, parseConfig } from '../../../src/core/families.ts'
import { rotaryFrequencies } from '../../../src/core/families/rotary.ts'
import { linearLayers, parameterShapes } from '../../../src/core/layers.ts'
import { sizeOf } from '../../../src/core/tensors.ts'

/** SmolLM2-135M's. */
const smollm2 = {
  model_type: 'llama',
  vocab_size: 49152,
  hidden_size: 576,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  intermediate_size: 1536,
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  rope_theta: 100_000,
  tie_word_embeddings: true,
}
const mistral = { ...smollm2, model_type: 'mistral', sliding_window: null }
const qwen2 = { ...smollm2, model_type: 'qwen2' }
const llama3 = {
  rope_type: 'llama3',
  factor: 32,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
}

const namesOf = (fields: object) => [...parameterShapes(parseConfig({ ...smollm2, ...fields })).keys()]
const biasesOf = (fields: object) =>
  namesOf(fields)
    .filter((name) => name.startsWith('model.layers.0.') && name.endsWith('.bias'))
    .map((name) => name.split('.').at(-2))

describe('the parameters', () => {
  const shapes = parameterShapes(parseConfig(smollm2), 6)

  it("are SmolLM2's 134,515,008, and a head", () => {
    const total = [...shapes.values()].reduce((sum, shape) => sum + sizeOf(shape), 0)
    expect(total).toBe(134_515_008 + 6 * 576)
    expect(shapes.get('score.weight')).toEqual([6, 576])
  })

  it('of keys and values are those of fewer heads', () => {
    expect(linearLayers(parseConfig(smollm2)).slice(0, 7)).toEqual(
      [
        ['self_attn.q_proj', 576, 576],
        ['self_attn.k_proj', 576, 192],
        ['self_attn.v_proj', 576, 192],
        ['self_attn.o_proj', 576, 576],
        ['mlp.gate_proj', 576, 1536],
        ['mlp.up_proj', 576, 1536],
        ['mlp.down_proj', 1536, 576],
      ].map(([name, input, out]) => ({
        name: `model.layers.0.${name}`,
        in: input,
        out,
        kind: 'linear',
        layout: 'out-in',
      })),
    )
  })

  it('of heads of a size of their own', () => {
    const own = parameterShapes(parseConfig({ ...smollm2, head_dim: 32 }))
    expect(own.get('model.layers.0.self_attn.q_proj.weight')).toEqual([9 * 32, 576])
    expect(own.get('model.layers.0.self_attn.k_proj.weight')).toEqual([3 * 32, 576])
    expect(own.get('model.layers.0.self_attn.o_proj.weight')).toEqual([576, 9 * 32])
  })

  it('of as many heads of keys as of queries, where the configuration names none', () => {
    const { num_key_value_heads: _, ...without } = smollm2
    expect(parameterShapes(parseConfig(without)).get('model.layers.0.self_attn.k_proj.weight')).toEqual([576, 576])
  })

  it('have the biases that the family has', () => {
    expect(biasesOf({})).toEqual([])
    expect(biasesOf({ attention_bias: true })).toEqual(['q_proj', 'k_proj', 'v_proj', 'o_proj'])
    expect(biasesOf({ mlp_bias: true })).toEqual(['gate_proj', 'up_proj', 'down_proj'])
    expect(biasesOf(mistral)).toEqual([])
    expect(biasesOf(qwen2)).toEqual(['q_proj', 'k_proj', 'v_proj'])
  })
})

/** As their folders have them, but for what no family reads. */
const published: Record<string, { fields: object; parameters: number }> = {
  'TinyLlama 1.1B': {
    parameters: 1_100_048_384 - 32_000 * 2048, // without the language model's head, as Mistral
    fields: {
      model_type: 'llama',
      vocab_size: 32_000,
      hidden_size: 2048,
      intermediate_size: 5632,
      num_hidden_layers: 22,
      num_attention_heads: 32,
      num_key_value_heads: 4,
      max_position_embeddings: 2048,
      rms_norm_eps: 1e-5,
      rope_scaling: null,
    },
  },
  'Llama 3.2 1B': {
    parameters: 1_235_814_400,
    fields: {
      model_type: 'llama',
      vocab_size: 128_256,
      hidden_size: 2048,
      head_dim: 64,
      intermediate_size: 8192,
      num_hidden_layers: 16,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      max_position_embeddings: 131_072,
      rms_norm_eps: 1e-5,
      rope_theta: 500_000,
      rope_scaling: llama3,
      attention_bias: false,
      mlp_bias: false,
      eos_token_id: [128_001],
    },
  },
  'Mistral 7B v0.3': {
    parameters: 7_248_023_552 - 32_768 * 4096,
    fields: {
      model_type: 'mistral',
      vocab_size: 32_768,
      hidden_size: 4096,
      intermediate_size: 14_336,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      max_position_embeddings: 32_768,
      rope_theta: 1_000_000,
      sliding_window: null,
    },
  },
  'Qwen2.5 0.5B': {
    parameters: 494_032_768,
    fields: {
      model_type: 'qwen2',
      vocab_size: 151_936,
      hidden_size: 896,
      intermediate_size: 4864,
      num_hidden_layers: 24,
      num_attention_heads: 14,
      num_key_value_heads: 2,
      max_position_embeddings: 32_768,
      max_window_layers: 24,
      rope_theta: 1_000_000,
      sliding_window: 32_768,
      use_mrope: false,
      use_sliding_window: false,
    },
  },
  'Qwen3 0.6B': {
    parameters: 596_049_920,
    fields: {
      model_type: 'qwen3',
      vocab_size: 151_936,
      hidden_size: 1024,
      head_dim: 128,
      intermediate_size: 3072,
      num_hidden_layers: 28,
      num_attention_heads: 16,
      num_key_value_heads: 8,
      max_position_embeddings: 40_960,
      max_window_layers: 28,
      attention_bias: false,
      rope_scaling: null,
      rope_theta: 1_000_000,
      sliding_window: null,
      use_sliding_window: false,
    },
  },
}

it.each(Object.entries(published))('%s is read, and has its parameters', (_, { fields, parameters }) => {
  const shapes = [...parameterShapes(parseConfig(fields)).values()]
  expect(shapes.reduce((sum, shape) => sum + sizeOf(shape), 0)).toBe(parameters)
})

describe('rotary positions', () => {
  const frequencies = (fields: object) => rotaryFrequencies({ ...parseConfig({ ...smollm2, ...fields }) } as never, 64)

  it.each([
    ['plain', { rope_theta: 100_000 }, { 1: 0.6978305578231812, 16: 0.003162277862429619, 31: 1.4330126759887207e-5 }],
    [
      "stretched as Llama 3.2's are",
      { rope_theta: 500_000, rope_scaling: llama3 },
      { 1: 0.663601279258728, 15: 0.0012905480107292533, 17: 9.708286233944818e-5, 31: 9.418306490260875e-8 },
    ],
  ])("are transformers' 4.57.6, but for a last bit: %s", (_, fields, expected) => {
    const found = frequencies(fields)
    expect(found).toHaveLength(32)
    expect(found[0]).toBe(1)
    for (const [at, value] of Object.entries(expected))
      expect(Math.abs(found[Number(at)]! / value - 1)).toBeLessThan(1.2e-7)
  })

  it('are the same as transformers 5 writes them, and with the name that the kind had before', () => {
    const { rope_type, ...others } = llama3
    const expected = frequencies({ rope_theta: 500_000, rope_scaling: llama3 })
    const five = { rope_theta: undefined, rope_parameters: { ...llama3, rope_theta: 500_000 } }
    expect(frequencies(five)).toEqual(expected)
    expect(frequencies({ rope_theta: 500_000, rope_scaling: { ...others, type: rope_type } })).toEqual(expected)
    expect(frequencies({ rope_scaling: { rope_type: 'default' } })).toEqual(frequencies({}))
  })

  it("are part of a base's identity, since no weight tells them", () => {
    const identity = (fields: object) => JSON.stringify(modelOf(parseConfig({ ...smollm2, ...fields })).identity)
    const all = [{}, { rope_theta: 10_000 }, { rope_scaling: llama3 }, { rope_scaling: { ...llama3, factor: 8 } }]
    expect(new Set(all.map(identity)).size).toBe(4)
    expect(identity({ rope_scaling: { rope_type: 'default' } })).toBe(identity({}))
  })
})

it.each([
  ['rope_scaling', { rope_scaling: { ...llama3, factor: undefined } }, 'llama3 needs factor'],
  ['partial_rotary_factor', { partial_rotary_factor: 0.5 }, 'only 1'],
  ['rope_parameters.partial_rotary_factor', { rope_parameters: { partial_rotary_factor: 0.5 } }, 'only 1'],
  ['layer_types.1', { layer_types: ['full_attention', 'sliding_attention'] }, 'only full_attention'],
  ['num_experts', { num_experts: 8 }, '8 is not supported'],
  ['num_local_experts', { num_local_experts: 8 }, '8 is not supported'],
  ['head_dim', { head_dim: 7 }, 'heads of 7 channels'],
  ['hidden_size', { num_attention_heads: 64, num_key_value_heads: 8 }, 'heads of 9 channels'],
  ['hidden_size', { num_attention_heads: 7, num_key_value_heads: 7 }, 'not a multiple of num_attention_heads'],
  ['num_key_value_heads', { num_key_value_heads: 2 }, 'is not a multiple of num_key_value_heads 2'],
  ['num_key_value_heads', { ...mistral, num_key_value_heads: undefined }, 'expected'],
  ['num_key_value_heads', { ...qwen2, num_key_value_heads: undefined }, 'expected'],
  ['sliding_window', { ...mistral, sliding_window: undefined }, 'sliding_window 4096'],
])('%s is refused by name: %j', (field, fields, why) => {
  const parse = () => parseConfig({ ...smollm2, ...fields }, 'config.json')
  expect(parse).toThrow(field)
  expect(parse).toThrow(why)
  expect(parse).toThrow(expect.objectContaining({ code: 'config', file: 'config.json' }))
})

it.each([
  ['as wide a window as there are positions', { ...mistral, sliding_window: 8192 }],
  ['a window that is not used', { ...qwen2, use_sliding_window: false, sliding_window: 4096, max_window_layers: 28 }],
  ['layers that all attend to all', { ...qwen2, layer_types: Array.from({ length: 30 }, () => 'full_attention') }],
  ['none of what experts have', { num_experts: null }],
])('%s changes nothing', (_, fields) => {
  const { sizes } = modelOf(parseConfig({ ...smollm2, ...fields }))
  expect([sizes.layers, sizes.positions]).toEqual([30, 8192])
})

it('has a padding token only where the configuration names one', () => {
  const padOf = (fields: object) => modelOf(parseConfig({ ...smollm2, ...fields })).padTokenId
  expect([padOf({}), padOf({ pad_token_id: null }), padOf({ pad_token_id: 2 })]).toEqual([undefined, undefined, 2])
})
