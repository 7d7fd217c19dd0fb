/** Base, adapter and bundle folders: written and read back, and an error for each thing that does not fit. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Adapter } from '../../src/core/adapter.ts'
import { linearLayers } from '../../src/core/layers.ts'
import { serializeSafetensors } from '../../src/core/safetensors.ts'
import type { TensorMap } from '../../src/core/tensors.ts'
import { readAdapter, writeAdapter } from '../../src/files/adapter-folder.ts'
import { readBase, writeBase } from '../../src/files/base-folder.ts'
import { readBundle } from '../../src/files/bundle-folder.ts'
import { sha256File } from '../../src/files/hash.ts'
import { randomAdapter, randomWeights, tinyConfig } from '../fixtures/adapter.ts'
import { manifestOf } from '../fixtures/bundle.ts'

let dir: string
beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'graft-folders-')), 'folder')
})
afterEach(() => rm(dirname(dir), { recursive: true }))

const weights = randomWeights(tinyConfig)

describe('base', () => {
  /** Writes a base by hand, as others might. */
  async function baseOf(tensors: TensorMap, config: object = tinyConfig): Promise<string> {
    await mkdir(dir, { recursive: true })
    await writeFile(join(dir, 'config.json'), JSON.stringify(config))
    await writeFile(join(dir, 'model.safetensors'), serializeSafetensors(tensors))
    return dir
  }

  it('reads what it wrote, and the identity is the hash of the weights', async () => {
    await writeBase(dir, { config: tinyConfig, weights })
    const base = await readBase(dir)
    expect(base.config).toEqual(tinyConfig)
    expect(new Map([...base.weights].sort())).toEqual(new Map([...weights].sort()))
    expect(base.sha256).toBe(await sha256File(join(dir, 'model.safetensors')))
    await expect(writeBase(dir, { config: tinyConfig, weights })).rejects.toMatchObject({ code: 'file-exists' })
  })

  it('reads names without prefix, and leaves out masks and the tied head', async () => {
    const published = new Map([...weights].map(([name, tensor]) => [name.replace('transformer.', ''), tensor]))
    published.set('h.0.attn.bias', { shape: [1, 1, 2, 2], data: new Float32Array(4) })
    published.set('h.0.attn.masked_bias', { shape: [], data: new Float32Array(1) })
    published.set('lm_head.weight', { shape: [20, 8], data: new Float32Array(160) })
    const { weights: read } = await readBase(await baseOf(published))
    expect(new Map([...read].sort())).toEqual(new Map([...weights].sort()))
  })

  it('keeps a head, with as many rows as the configuration has labels', async () => {
    const classifier = randomWeights(tinyConfig, 1, 2)
    const labelled = { ...tinyConfig, id2label: { 0: 'ham', 1: 'spam' } }
    expect((await readBase(await baseOf(classifier, labelled))).weights.get('score.weight')?.shape).toEqual([2, 8])
    expect((await readBase(await baseOf(classifier))).weights.has('score.weight')).toBe(true)
    const three = { ...tinyConfig, id2label: { 0: 'a', 1: 'b', 2: 'c' } }
    await expect(readBase(await baseOf(classifier, three))).rejects.toMatchObject({
      code: 'weights',
      value: 'score.weight',
    })
  })

  it.each<[string, (tensors: TensorMap) => unknown, string]>([
    ['a missing tensor', (tensors) => tensors.delete('transformer.ln_f.bias'), 'transformer.ln_f.bias [8] is missing'],
    [
      'another shape',
      (tensors) => tensors.set('transformer.wpe.weight', { shape: [8, 10], data: new Float32Array(80) }),
      'transformer.wpe.weight is [8, 10], and config.json says [10, 8]',
    ],
    [
      'another tensor',
      (tensors) => tensors.set('transformer.h.2.ln_1.bias', { shape: [8], data: new Float32Array(8) }),
      'transformer.h.2.ln_1.bias is no tensor of this model',
    ],
    [
      'a name with and without prefix',
      (tensors) => tensors.set('ln_f.bias', { shape: [8], data: new Float32Array(8) }),
      'transformer.ln_f.bias is there with and without prefix',
    ],
  ])('refuses %s', async (_, change, message) => {
    const tensors = new Map(weights)
    change(tensors)
    await expect(readBase(await baseOf(tensors))).rejects.toMatchObject({
      code: 'weights',
      message: `${join(dir, 'model.safetensors')}: ${message}`,
    })
  })

  it('names the missing file and the command that makes one', async () => {
    await expect(readBase(dir)).rejects.toMatchObject({
      code: 'file-not-found',
      file: join(dir, 'config.json'),
      hint: expect.stringContaining('graft init'),
    })
  })
})

describe('adapter', () => {
  it('reads what it wrote, with further files beside it', async () => {
    const adapter = randomAdapter()
    await writeAdapter(dir, adapter, { extraFiles: { 'report.html': '<p>' } })
    expect(await readAdapter(dir)).toEqual(adapter)
    expect(await readdir(dir)).toEqual([
      '.graft-files.json',
      'adapter_config.json',
      'adapter_model.safetensors',
      'graft.json',
      'report.html',
    ])
    await expect(writeAdapter(dir, adapter)).rejects.toMatchObject({ code: 'file-exists' })
    await writeAdapter(dir, randomAdapter({ seed: 2 }), { force: true })
    expect((await readAdapter(dir)).info.seed).toBe(2)
  })

  it('names the missing file and the command that makes one', async () => {
    await expect(readAdapter(dir)).rejects.toMatchObject({
      code: 'file-not-found',
      message: `${join(dir, 'adapter_config.json')} does not exist`,
      hint: expect.stringContaining('graft train'),
    })
  })
})

describe('bundle', () => {
  const spam = randomAdapter()
  const intent = randomAdapter({ labels: ['buy', 'cancel', 'help'], seed: 2 })
  const golden = [
    { text: 'win a prize', adapter: 'spam', logits: [0, 1] },
    { text: 'stop it', adapter: 'intent', logits: [0, 1, 2] },
  ]

  /** Writes an unmerged bundle, its graph a few bytes. */
  async function writeBundle(adapters: Record<string, Adapter>): Promise<void> {
    const manifest = manifestOf({
      kind: 'unmerged',
      adapters: Object.entries(adapters).map(([name, { info }]) => ({ name, labels: info.labels })),
      rank: 3,
      targets: linearLayers(tinyConfig).map(({ name }) => name),
    })
    await mkdir(join(dir, 'onnx'), { recursive: true })
    await writeFile(join(dir, 'onnx', 'model.onnx'), 'graph')
    await writeFile(join(dir, 'config.json'), JSON.stringify(tinyConfig))
    await writeFile(join(dir, 'golden.json'), JSON.stringify(golden))
    for (const [name, adapter] of Object.entries(adapters)) await writeAdapter(join(dir, 'adapters', name), adapter)
    for (const path of Object.keys(manifest.files)) manifest.files[path] = await sha256File(join(dir, path))
    await writeFile(join(dir, 'graft.json'), JSON.stringify(manifest))
  }

  it('reads all of its parts, adapters in the order of the manifest', async () => {
    await writeBundle({ spam, intent })
    const bundle = await readBundle(dir)
    expect([...bundle.adapters]).toEqual([
      ['spam', spam],
      ['intent', intent],
    ])
    expect(bundle.golden).toEqual(golden)
    expect(bundle.config).toEqual(tinyConfig)
  })

  it('refuses an adapter for another base, or with other labels than the manifest', async () => {
    await writeBundle({ spam, intent })
    await writeAdapter(join(dir, 'adapters', 'spam'), randomAdapter({ labels: ['spam', 'ham'] }), { force: true })
    await expect(readBundle(dir, { verify: false })).rejects.toMatchObject({
      code: 'bundle',
      message: expect.stringContaining('spam, ham'),
    })
    await writeAdapter(join(dir, 'adapters', 'spam'), randomAdapter({ baseSha256: 'c'.repeat(64) }), { force: true })
    await expect(readBundle(dir, { verify: false })).rejects.toMatchObject({ code: 'adapter-base' })
  })

  it('names the missing file and the command that makes one', async () => {
    await expect(readBundle(dir)).rejects.toMatchObject({
      code: 'file-not-found',
      hint: expect.stringContaining('graft export'),
    })
  })
})
