/** Exports: files, description, equality with TF.js, refused inputs, and nothing left behind after a failure. */
import { scoreOf } from '../fixtures/adapter.ts'
import { existsSync } from 'node:fs'
import { readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createConfig } from '../../src/core/families/gpt2.ts'
import { createRandom } from '../../src/core/random.ts'
import { exportBundle, openBundle, verifyBundle } from '../../src/export/index.ts'
import { writeAdapter } from '../../src/files/adapter-folder.ts'
import { readBase, writeBase } from '../../src/files/base-folder.ts'
import { sha256File } from '../../src/files/hash.ts'
import { initializeBase, initializeHead } from '../../src/core/initialize.ts'
import { type Fixture, config, createAdapter, largestDifference, weights, writeFixture } from './fixtures.ts'

let fixture: Fixture
beforeAll(async () => void (fixture = await writeFixture()))
afterAll(() => rm(fixture.dir, { recursive: true }))

const path = (...parts: string[]) => join(fixture.dir, ...parts)
const sources = (...names: (keyof Fixture['adapters'])[]) => names.map((name) => ({ dir: fixture.adapters[name] }))
const filesOf = async (dir: string) =>
  (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length
const json = async (...parts: string[]): Promise<unknown> => JSON.parse(await readFile(path(...parts), 'utf8'))
const probes = ['ok', 'Grüße aus 東京 — с приветом 🎉', 'a text of eight tokens, more or less']

describe('exportBundle', () => {
  it('writes a merged bundle that any ONNX Runtime user can load', async () => {
    const before = tf.memory().numTensors
    const manifest = await exportBundle({ adapters: sources('mood'), mode: 'merged', dir: path('merged') })
    expect(tf.memory().numTensors).toBe(before)
    expect(manifest).toMatchObject({ kind: 'merged', labels: ['2', '1', '0'], maxLength: 32, parity: { probes: 8 } })
    expect(manifest).toHaveProperty('temperature', 2) // its adapter's
    expect(manifest.parity.maxDifference).toBeLessThan(1e-4)
    expect(manifest).toEqual(await json('merged', 'graft.json'))
    expect(Object.keys(manifest.files)).toEqual([
      'config.json',
      'golden.json',
      'merges.txt',
      'onnx/model.onnx',
      'tokenizer.json',
      'tokenizer_config.json',
      'vocab.json',
    ])
    expect(manifest.files['onnx/model.onnx']).toBe(await sha256File(path('merged', 'onnx', 'model.onnx')))
    expect(await filesOf(path('merged'))).toBe(8 + 1)
    expect(await json('merged', 'config.json')).toMatchObject({
      architectures: ['GPT2ForSequenceClassification'],
      id2label: { 0: '2', 1: '1', 2: '0' },
      label2id: { 2: 0, 1: 1, 0: 2 },
    })
  })

  it('writes an unmerged bundle with adapters of different ranks, layers and labels', async () => {
    const adapters = [...sources('spam', 'topic'), { name: 'feeling', dir: fixture.adapters.mood }]
    const manifest = await exportBundle({ base: fixture.base, adapters, mode: 'unmerged', dir: path('unmerged') })
    expect(manifest).toMatchObject({
      kind: 'unmerged',
      adapters: [
        { name: 'spam', labels: ['ham', 'spam'] },
        { name: 'topic', labels: ['World', 'Sports', 'Business', 'Sci/Tech'] },
        { name: 'feeling', labels: ['2', '1', '0'] },
      ],
      rank: 5,
      parity: { probes: 24 },
    })
    expect(manifest.parity.maxDifference).toBeLessThan(1e-4)
    expect(await sha256File(path('unmerged', 'adapters', 'feeling', 'adapter_model.safetensors'))).toBe(
      await sha256File(path('mood', 'adapter_model.safetensors')),
    )
    expect(await filesOf(path('unmerged'))).toBe(8 + 3 * 3 + 1)
  })

  it("gives TF.js' logits, merged and unmerged", async () => {
    const [merged, unmerged] = [path('merged-spam'), path('unmerged-spam')]
    await exportBundle({ adapters: sources('spam'), mode: 'merged', dir: merged, probes })
    await exportBundle({ adapters: sources('spam'), mode: 'unmerged', dir: unmerged, probes })
    const golden = (await json('merged-spam', 'golden.json')) as { text: string; logits: number[] }[]
    expect(golden.map(({ text }) => text)).toEqual(probes)
    for (const dir of [merged, unmerged]) {
      const classifier = await openBundle(dir)
      const logits = await classifier.logits(probes)
      await classifier.close()
      for (const [at, expected] of golden.entries()) {
        expect(largestDifference(logits[at]!, expected.logits)).toBeLessThan(1e-4)
      }
    }
  })

  it.each(['merged', 'unmerged'] as const)('puts weights beside a large graph: %s', async (mode) => {
    const options = { adapters: sources('spam'), mode, probes }
    const alone = await exportBundle({ ...options, dir: path(`alone-${mode}`) })
    const beside = await exportBundle({ ...options, dir: path(`beside-${mode}`), externalFrom: 1 })
    expect(Object.keys(beside.files)).toEqual(
      Object.keys(alone.files).flatMap((name) =>
        name === 'onnx/model.onnx' ? [name, 'onnx/model.onnx_data'] : [name],
      ),
    )
    const size = async (dir: string, name: string) => (await stat(path(dir, 'onnx', name))).size
    expect(await size(`beside-${mode}`, 'model.onnx')).toBeLessThan((await size(`alone-${mode}`, 'model.onnx')) / 20)
    expect((await verifyBundle(path(`beside-${mode}`))).ok).toBe(true)
    const [a, b] = [await openBundle(path(`alone-${mode}`)), await openBundle(path(`beside-${mode}`))]
    expect(await b.logits(probes)).toEqual(await a.logits(probes))
    await Promise.all([a.close(), b.close()])
    await writeFile(path(`beside-${mode}`, 'onnx', 'model.onnx_data'), new Uint8Array(100))
    const { checks } = await verifyBundle(path(`beside-${mode}`))
    expect(checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(['onnx/model.onnx_data', 'golden logits'])
  })

  it('exports a base that was fine-tuned in full', async () => {
    const head = initializeHead(config, 3, createRandom(9))
    const labelled = { ...config, id2label: { 0: 'a', 1: 'b', 2: 'c' }, label2id: { a: 0, b: 1, c: 2 } }
    const full = { config: labelled, weights: new Map([...weights, ...head]) }
    await writeBase(path('full'), full)
    const options = { base: path('full'), mode: 'merged', dir: path('full-bundle'), probes } as const
    const manifest = await exportBundle(options)
    expect(manifest).toMatchObject({ labels: ['a', 'b', 'c'], maxLength: 40, provenance: { adapterSha256s: [] } })
    const info = { ...createAdapter({ labels: ['a', 'b', 'c'] }).info, kind: 'model' as const, maxLength: 16 }
    await writeBase(path('full'), { ...full, info }, { force: true })
    const trained = await exportBundle({ ...options, force: true })
    expect(trained).toMatchObject({ maxLength: 16, provenance: { dataSha256: info.dataSha256 } })
  })

  it('replaces a folder only with force', async () => {
    const options = { adapters: sources('spam'), mode: 'merged', dir: path('twice'), probes } as const
    const first = await exportBundle(options)
    await expect(exportBundle(options)).rejects.toMatchObject({ code: 'file-exists' })
    expect(await json('twice', 'graft.json')).toEqual(first)
    const second = await exportBundle({ ...options, adapters: sources('topic'), force: true })
    expect(await json('twice', 'graft.json')).toEqual(second)
  })

  it('refuses logits that differ, and leaves nothing behind', async () => {
    // Attention scores of about 1e7 that differ by about 1: less than float32 can tell, but TF.js' cpu backend adds in double.
    const huge = new Map([...weights].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]))
    const change = (name: string, by: (value: number, part: number) => number) => {
      const tensor = huge.get(`transformer.h.1.attn.c_attn.${name}`)!
      tensor.data = tensor.data.map((value, at) => by(value, Math.floor((at % 48) / 16))) // queries, keys, values
    }
    change('bias', (value, part) => value + [1e3, 1e4, 0][part]!)
    change('weight', (value, part) => value * [1, 1e-3, 1][part]!)
    await writeBase(path('huge'), { config, weights: huge }, {})
    const { sha256: baseSha256 } = await readBase(path('huge'))
    await writeAdapter(path('huge-adapter'), createAdapter({ baseSha256, base: path('huge'), targetModules: ['c_fc'] }))
    const before = await readdir(fixture.dir)
    const run = exportBundle({ adapters: [{ dir: path('huge-adapter') }], mode: 'merged', dir: path('refused') })
    await expect(run).rejects.toMatchObject({ code: 'parity' })
    expect(await readdir(fixture.dir)).toEqual(before)
  })

  it('refuses logits that are not numbers', async () => {
    const adapter = createAdapter({ baseSha256: (await readBase(fixture.base)).sha256, base: fixture.base })
    scoreOf(adapter).data = scoreOf(adapter).data.map((value) => 3e38 * Math.sign(value))
    await writeAdapter(path('infinite'), adapter)
    const run = exportBundle({ adapters: [{ dir: path('infinite') }], mode: 'unmerged', dir: path('refused'), probes })
    await expect(run).rejects.toMatchObject({ code: 'parity' })
    expect(existsSync(path('refused'))).toBe(false)
  })

  it('stops when asked to, and leaves nothing behind', async () => {
    const before = await readdir(fixture.dir)
    const signal = AbortSignal.abort(new Error('stopped'))
    const run = exportBundle({ adapters: sources('spam'), mode: 'merged', dir: path('stopped'), signal })
    await expect(run).rejects.toThrow('stopped')
    expect(await readdir(fixture.dir)).toEqual(before)
  })

  it('refuses an adapter of another base', async () => {
    await writeBase(path('other'), { config, weights: initializeBase(config, createRandom(99)) }, {})
    const run = exportBundle({ base: path('other'), adapters: sources('spam'), mode: 'merged', dir: path('refused') })
    await expect(run).rejects.toMatchObject({ code: 'adapter-base' })
  })

  it("refuses a base whose vocabulary is not the tokenizer's", async () => {
    const small = createConfig({ vocab_size: 300, n_embd: 8, n_head: 2, n_layer: 1, n_inner: 8 })
    const labelled = { ...small, id2label: { 0: 'a', 1: 'b' } }
    const head = initializeHead(small, 2, createRandom(1))
    const base = new Map([...initializeBase(small, createRandom(1)), ...head])
    await writeBase(path('small'), { config: labelled, weights: base }, {})
    const run = exportBundle({ base: path('small'), mode: 'merged', dir: path('refused') })
    await expect(run).rejects.toMatchObject({ code: 'config', value: 300 })
  })

  it.each([
    ['several adapters merged', 'merged', ['spam', 'mood'], 'usage'],
    ['no adapter unmerged', 'unmerged', [], 'usage'],
    ['a base that is no classifier', 'merged', [], 'config'],
    ['an adapter twice', 'unmerged', ['spam', 'spam'], 'usage'],
  ] as const)('refuses %s', async (_, mode, names, code) => {
    const run = exportBundle({ base: fixture.base, adapters: sources(...names), mode, dir: path('refused') })
    await expect(run).rejects.toMatchObject({ code })
    expect(existsSync(path('refused'))).toBe(false)
  })

  it.each(['../up', 'a/b', '.hidden', ''])('refuses the adapter name "%s"', async (name) => {
    const run = exportBundle({
      adapters: [{ name, dir: fixture.adapters.spam }],
      mode: 'unmerged',
      dir: path('refused'),
    })
    await expect(run).rejects.toMatchObject({ code: 'usage', value: name })
  })

  it('asks for the base where the adapter names none that is here', async () => {
    const { sha256: baseSha256 } = await readBase(fixture.base)
    await writeAdapter(path('homeless'), createAdapter({ baseSha256, base: 'openai-community/gpt2' }))
    const run = exportBundle({ adapters: [{ dir: path('homeless') }], mode: 'merged', dir: path('refused') })
    await expect(run).rejects.toMatchObject({ code: 'usage', hint: 'Give the base folder with --base.' })
  })
})
