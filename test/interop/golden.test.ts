/** What transformers and PEFT wrote, read by Graft: the same logits on every golden case. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import ranks from 'js-tiktoken/ranks/gpt2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPeftAdapter } from '../../src/files/adapter-folder.ts'
import { importModel } from '../../src/files/import.ts'
import { readBase } from '../../src/files/base-folder.ts'
import { parsePeftAdapter, serializeAdapter, serializePeftAdapter } from '../../src/core/adapter.ts'
import { combineAdapters } from '../../src/core/adapter/combine.ts'
import { loraDelta } from '../../src/core/lora.ts'
import { parseSafetensors } from '../../src/core/safetensors.ts'
import { createGpt2Tokenizer } from '../../src/core/tokenizer/gpt2.ts'
import { tokenizerFiles } from '../../src/core/tokenizer/hugging-face.ts'
import { sha256 } from '../../src/files/hash.ts'
import { hasSharedData, sharedData } from '../shared-data.ts'
import { adapterDifferences, baseDifference, goldenBatches, logitsOfAdapter, readJsonFile } from './compare.ts'
import { golden, goldenBase, ourAdapters } from './ours.ts'

const dir = mkdtempSync(join(tmpdir(), 'graft-golden-'))
afterAll(() => rmSync(dir, { recursive: true }))

const TOLERANCE = 1e-4

describe('an imported GPT2ForSequenceClassification', () => {
  const cases = readdirSync(join(golden, 'bases')).filter((name) => name !== 'language-model')

  it.each(cases)("gives transformers' logits: %s", async (name) => {
    const difference = await baseDifference(join(golden, 'bases', name), join(dir, name))
    expect(difference).toBeLessThan(TOLERANCE)
    expect(cases.length).toBe(6)
  })

  it('drops what is no parameter of weights without a prefix', async () => {
    const { parameters } = await importModel(join(golden, 'bases', 'language-model'), { out: join(dir, 'lm') })
    const { weights, config } = await readBase(join(dir, 'lm'))
    expect([...weights.keys()].every((name) => name.startsWith('transformer.'))).toBe(true)
    expect(weights.size).toBe(4 + 12 * 2)
    expect(parameters).toBe([...weights.values()].reduce((sum, { data }) => sum + data.length, 0))
    expect(config.pad_token_id).toBeUndefined()
  })
})

describe('an adapter that PEFT wrote', () => {
  const cases = readdirSync(join(golden, 'adapters'))
  const base = join(dir, 'adapters-base')
  beforeAll(() => importModel(join(golden, 'adapters-base'), { out: base }))

  it.each(cases)("gives PEFT's logits, merged and unmerged: %s", async (name) => {
    const { merged, unmerged } = await adapterDifferences(
      join(golden, 'adapters', name),
      base,
      join(dir, `adapter-${name}`),
    )
    expect(merged).toBeLessThan(TOLERANCE)
    // What replaces the base's tensors whole is for merged graphs only.
    expect(unmerged === undefined).toBe(/modules-to-save|head-with-bias|saved-whole/.test(name))
    expect(unmerged ?? 0).toBeLessThan(TOLERANCE)
    expect(cases.length).toBe(16)
  })
})

describe.skipIf(!hasSharedData)('a published adapter for GPT-2 small', () => {
  it("is read tensor by tensor, and its ΔW are PEFT's", async () => {
    const expected = readJsonFile<Record<string, Sampled>>(join(golden, 'causal-deltas.json'))
    const { layers, head, saved } = await readPeftAdapter(sharedData('peft-gpt2-lora-causal'))
    expect([...layers.keys()].toSorted()).toEqual(Object.keys(expected).toSorted())
    expect(layers.size).toBe(36)
    expect([head.size, saved.size]).toEqual([0, 0])
    for (const [name, layer] of layers) {
      const { shape, data } = loraDelta(layer)
      const { norm, values } = expected[name]!
      expect(Math.abs(Math.hypot(...chunkNorms(data)) / norm - 1)).toBeLessThan(1e-6)
      for (const [i, j, value] of values) expect(Math.abs(data[i * shape[1]! + j]! - value)).toBeLessThan(1e-6)
    }
  })
})

interface Sampled {
  norm: number
  values: [row: number, column: number, value: number][]
}

/** Math.hypot takes no millions of arguments. */
function chunkNorms(data: Float32Array): number[] {
  const norms: number[] = []
  for (let at = 0; at < data.length; at += 1000) norms.push(Math.hypot(...data.subarray(at, at + 1000)))
  return norms
}

describe('adapters that are combined', async () => {
  const folder = join(golden, 'merges')
  const [a, b] = [await readPeftAdapter(join(folder, 'a')), await readPeftAdapter(join(folder, 'b'))]
  const weighted = [
    { name: 'a', adapter: a, weight: 0.7 },
    { name: 'b', adapter: b, weight: -0.4 },
  ]

  it.each(['linear', 'cat', 'svd'] as const)("have the ΔW of PEFT's add_weighted_adapter: %s", async (method) => {
    const combined = combineAdapters(weighted, { method, ...(method === 'svd' && { rank: 2 }) })
    const { tensors } = parseSafetensors(readFileSync(join(folder, `${method}.safetensors`)), method)
    expect([...combined.layers.keys()].toSorted()).toEqual([...tensors.keys()].toSorted())
    for (const [name, layer] of combined.layers) {
      const { data } = loraDelta(layer)
      const expected = tensors.get(name)!.data
      expect(Math.max(...data.map((value, at) => Math.abs(value - expected[at]!)))).toBeLessThan(1e-5)
    }
    // Also by way of the files, whose configuration has to say what each layer's rank and scale are.
    const files = serializePeftAdapter(combined)
    const read = await parsePeftAdapter(
      { ...files, 'adapter_config.json': JSON.parse(files['adapter_config.json']) },
      'x',
    )
    expect(read.layers).toEqual(combined.layers)
  })
})

describe('an adapter that Graft wrote', async () => {
  const theirs = readJsonFile<Record<string, { sha256: string; logits: number[][][] }>>(join(golden, 'ours.json'))
  const base = await goldenBase()
  const ours = ourAdapters(base)

  it.each([...ours.keys()])("gives PEFT's logits, of the same bytes: %s", async (name) => {
    const adapter = ours.get(name)!
    expect(sha256(serializeAdapter(adapter)['adapter_model.safetensors'])).toBe(theirs[name]?.sha256)
    const batches = await logitsOfAdapter(base, adapter, goldenBatches(join(golden, 'adapters', 'rank-1')))
    const expected = theirs[name]?.logits.flat(2) ?? []
    const found = batches.flatMap(({ logits }) => logits.flat())
    expect(found).toHaveLength(expected.length)
    expect(Math.max(...found.map((logit, at) => Math.abs(logit - expected[at]!)))).toBeLessThan(TOLERANCE)
  })
})

describe('the tokenizer', () => {
  const files = tokenizerFiles(ranks, { maxLength: 1024, padTokenId: 50256 })

  it("gives the tokenizers library's ids", () => {
    const { encode } = createGpt2Tokenizer(ranks)
    const sample = readJsonFile<{ text: string; ids: number[] }[]>(join(golden, 'tokens.json'))
    expect(sample.length).toBeGreaterThan(150)
    for (const { text, ids } of sample) expect([text, encode(text).ids]).toEqual([text, ids])
  })

  it("writes GPT-2's own vocab.json and merges.txt", () => {
    expect(sha256(files['vocab.json'])).toBe('3ba3c3109ff33976c4bd966589c11ee14fcaa1f4c9e5e154c2ed7f99d80709e7')
    expect(sha256(files['merges.txt'])).toBe('1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5')
  })

  it.skipIf(!hasSharedData)('writes the published files', () => {
    for (const name of ['vocab.json', 'merges.txt'] as const)
      expect(files[name] === readFileSync(sharedData(`hf-gpt2-tokenizer/${name}`), 'utf8')).toBe(true)
    const published = JSON.parse(gunzipSync(readFileSync(sharedData('hf-gpt2-tokenizer/tokenizer.json.gz'))).toString())
    expect(JSON.parse(files['tokenizer.json'])).toEqual({ ...published, truncation: null })
  })
})
