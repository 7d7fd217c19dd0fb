/** The bundle's schemas, and the stack of adapters that an unmerged graph takes. */
import { describe, expect, it } from 'vitest'
import { type Manifest, parseGolden, parseManifest } from '../../src/core/bundle.ts'
import { stackAdapters } from '../../src/core/bundle/stack.ts'
import { linearLayers } from '../../src/core/layers.ts'
import { loraDelta } from '../../src/core/lora.ts'
import type { TensorData } from '../../src/core/tensors.ts'
import { manifestOf } from '../fixtures/bundle.ts'
import { randomAdapter, tinyConfig, scoreOf } from '../fixtures/adapter.ts'

const merged = manifestOf({ kind: 'merged', labels: ['ham', 'spam'] })
const unmerged = manifestOf({
  kind: 'unmerged',
  adapters: [
    { name: 'spam', labels: ['ham', 'spam'] },
    { name: 'intent', labels: ['buy', 'cancel', 'help'] },
  ],
  rank: 3,
  targets: linearLayers(tinyConfig).map(({ name }) => name),
})

describe('parseManifest', () => {
  it.each<[Manifest]>([[merged], [unmerged]])('reads a manifest back', (manifest) => {
    expect(parseManifest(JSON.parse(JSON.stringify(manifest)), 'graft.json')).toEqual(manifest)
  })

  const { 'golden.json': _, ...withoutGolden } = merged.files
  it.each<[string, object, string]>([
    ['a later version', { ...merged, formatVersion: 2 }, 'formatVersion: version 2 is not known'],
    ['an adapter', { ...merged, kind: 'adapter' }, 'kind: '],
    ['one label', { ...merged, labels: ['spam'] }, 'labels: '],
    ['a file that is not listed', { ...merged, files: withoutGolden }, 'files: golden.json is not listed'],
    ['a path out of the bundle', { ...merged, files: { ...merged.files, '../x': 'a'.repeat(64) } }, 'files.../x: '],
    ['an absolute path', { ...merged, files: { ...merged.files, '/etc/x': 'a'.repeat(64) } }, 'files./etc/x: '],
    ['no adapter', { ...unmerged, adapters: [] }, 'adapters: '],
    ['a hidden folder', { ...unmerged, adapters: [{ name: '..', labels: ['a', 'b'] }] }, 'adapters.0.name: '],
    [
      'the hash of no file',
      { ...merged, provenance: { ...merged.provenance, baseSha256: 'x' } },
      'provenance.baseSha256',
    ],
  ])('refuses %s', (_, json, message) => {
    expect(() => parseManifest(json, 'dir/graft.json')).toThrow(
      expect.objectContaining({ code: 'bundle', message: expect.stringContaining(`dir/graft.json: ${message}`) }),
    )
  })

  it('refuses two adapters of one name', () => {
    const adapter = { name: 'spam', labels: ['ham', 'spam'] }
    const json = { ...unmerged, adapters: [adapter, adapter] }
    expect(() => parseManifest(json, 'graft.json')).toThrow('adapters: a name occurs twice')
  })
})

describe('parseGolden', () => {
  const intent = { text: 'I want my money back', adapter: 'intent', logits: [0, 1, 2] }

  it('reads probes, each with the logits of its adapter', () => {
    const spam = { text: '', adapter: 'spam', logits: [0.5, -1] }
    expect(parseGolden([intent, spam], unmerged, 'golden.json')).toEqual([intent, spam])
    expect(parseGolden([{ text: 'a', logits: [1, 2] }], merged, 'golden.json')).toHaveLength(1)
  })

  it.each<[string, unknown, Manifest]>([
    ['no probes', [], merged],
    ['too few logits', [{ ...intent, logits: [0, 1] }], unmerged],
    ['an adapter that is not there', [{ ...intent, adapter: 'other' }], unmerged],
    ['no adapter', [{ text: 'a', logits: [1, 2] }], unmerged],
    ['logits that are not numbers', [{ text: 'a', logits: [null, 2] }], merged],
  ])('refuses %s', (_, json, manifest) => {
    expect(() => parseGolden(json, manifest, 'golden.json')).toThrow(expect.objectContaining({ code: 'bundle' }))
  })
})

describe('stackAdapters', () => {
  const spam = randomAdapter({ rank: 3, scaling: 'rslora' })
  const intent = randomAdapter({ rank: 2, targetModules: ['c_attn'], labels: ['buy', 'cancel', 'help'], seed: 2 })
  const targets = linearLayers(tinyConfig).map(({ name }) => name)
  const inputs = stackAdapters([spam, intent], tinyConfig, targets)

  /** The `index`th matrix of a stack. */
  function matrix(name: string, index: number): TensorData {
    const { shape, data } = inputs.get(name)! // the test fails if there is none
    const [, rows = 0, columns = 0] = shape
    return { shape: [rows, columns], data: data.slice(index * rows * columns, (index + 1) * rows * columns) }
  }

  it('has an A and a B for each target layer, and the heads, at the largest rank and label count', () => {
    expect([...inputs.keys()]).toEqual([
      ...targets.flatMap((name) => [`${name}.lora_A`, `${name}.lora_B`]),
      'score.weight',
    ])
    expect(inputs.get('transformer.h.1.mlp.c_fc.lora_A')?.shape).toEqual([2, 8, 3])
    expect(inputs.get('transformer.h.1.mlp.c_fc.lora_B')?.shape).toEqual([2, 3, 12])
    expect(inputs.get('score.weight')?.shape).toEqual([2, 3, 8])
  })

  it.each([
    [0, spam],
    [1, intent],
  ])("its A·B is the adapter's ΔW, zero for layers that it does not have (adapter %d)", (index, adapter) => {
    for (const { name, in: inSize, out } of linearLayers(tinyConfig)) {
      const delta = loraDelta({ a: matrix(`${name}.lora_A`, index), b: matrix(`${name}.lora_B`, index), scaling: 1 })
      const layer = adapter.layers.get(name)
      const expected = layer ? loraDelta(layer).data : new Float32Array(inSize * out)
      const difference = Math.max(...delta.data.map((value, i) => Math.abs(value - (expected[i] ?? NaN))))
      expect(difference).toBeLessThan(1e-4)
    }
  })

  it('pads the heads with rows of zeros', () => {
    expect([...matrix('score.weight', 0).data]).toEqual([...scoreOf(spam).data, ...new Float32Array(8)])
    expect(matrix('score.weight', 1).data).toEqual(scoreOf(intent).data)
  })

  it('refuses an adapter with a layer that the graph has no input for', () => {
    expect(() => stackAdapters([spam], tinyConfig, targets.slice(1))).toThrow(
      expect.objectContaining({ code: 'adapter', value: 'transformer.h.0.attn.c_attn' }),
    )
  })
})
