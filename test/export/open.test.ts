/** One way to open bundles, adapters and trained models: all give the same logits for the same weights. */
import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRandom } from '../../src/core/random.ts'
import { exportBundle, openBundle, openModel } from '../../src/export/index.ts'
import { readBase, writeBase } from '../../src/files/base-folder.ts'
import { importModel } from '../../src/files/import.ts'
import { initializeHead } from '../../src/core/initialize.ts'
import { type Fixture, config, largestDifference, weights, writeFixture } from './fixtures.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await writeFixture()
  const adapters = [{ dir: fixture.adapters.topic }]
  await exportBundle({ adapters, mode: 'merged', dir: path('merged'), probes: ['ok'] })
  await exportBundle({ adapters, mode: 'unmerged', dir: path('unmerged'), probes: ['ok'] })
})
afterAll(() => rm(fixture.dir, { recursive: true }))

const path = (name: string) => join(fixture.dir, name)

const texts = ['Shares fell again', 'The match was late', 'word '.repeat(30)]

/** The logits of a folder's model. */
async function logitsOf(dir: string, options: Parameters<typeof openModel>[1] = {}): Promise<number[]> {
  const classifier = await openModel(dir, { threads: 1, ...options })
  try {
    return (await classifier.logits(texts)).flatMap((logits) => [...logits])
  } finally {
    await classifier.close()
  }
}

/** Writes the base as full fine-tuning does. */
async function writeModel(dir: string): Promise<void> {
  const labels = ['no', 'yes', 'maybe']
  await writeBase(dir, {
    config: { ...config, id2label: Object.fromEntries(labels.map((label, id) => [String(id), label])) },
    weights: new Map([...weights, ...initializeHead(config, 3, createRandom(5))]),
    info: {
      formatVersion: 1,
      kind: 'model',
      labels,
      baseSha256: (await readBase(fixture.base)).sha256,
      dataSha256: 'd'.repeat(64),
      maxLength: 9,
      hyperparameters: {},
      seed: 1,
      metrics: {},
    },
  })
}

describe('openModel', () => {
  it('opens an adapter as its bundles, merged and unmerged', async () => {
    const expected = await logitsOf(path('merged'))
    expect(expected).toHaveLength(12)
    expect(largestDifference(await logitsOf(path('unmerged')), expected)).toBeLessThan(1e-4)
    expect(largestDifference(await logitsOf(fixture.adapters.topic), expected)).toBeLessThan(1e-6)
  })

  it('opens a model that was fine-tuned in full, with its labels and its length', async () => {
    await writeModel(path('model'))
    await exportBundle({ base: path('model'), mode: 'merged', dir: path('model-bundle'), probes: ['ok'] })
    expect(await logitsOf(path('model'))).toEqual(await logitsOf(path('model-bundle')))
    const classifier = await openModel(path('model'), { threads: 1 })
    expect(classifier.labels()).toEqual(['no', 'yes', 'maybe'])
    expect(await classifier.classify(['word '.repeat(30)])).toMatchObject([{ tokens: 9, truncated: true }])
    await classifier.close()
  })

  it('opens a classifier that was imported, with all positions that it has', async () => {
    await writeModel(path('published'))
    await rm(path('published/graft.json'))
    await importModel(path('published'), { out: path('imported') })
    await exportBundle({ base: path('imported'), mode: 'merged', dir: path('imported-bundle'), probes: ['ok'] })
    expect(await logitsOf(path('imported'))).toEqual(await logitsOf(path('imported-bundle')))
    const classifier = await openModel(path('imported'), { threads: 1 })
    expect(classifier.labels()).toEqual(['no', 'yes', 'maybe'])
    expect(await classifier.classify(['word '.repeat(40)])).toMatchObject([{ tokens: config.n_positions }])
    await classifier.close()
  })

  it('takes another folder for the base of an adapter, and any name for the adapter', async () => {
    const [base, adapter] = [path('moved base'), path('my adapter (2)')]
    await cp(fixture.base, base, { recursive: true })
    await cp(fixture.adapters.topic, adapter, { recursive: true })
    expect(await logitsOf(adapter, { base })).toEqual(await logitsOf(fixture.adapters.topic))
    const open = openModel(adapter, { base: path('elsewhere') })
    await expect(open).rejects.toMatchObject({ code: 'file-not-found', file: path('elsewhere/config.json') })
  })

  it('refuses a base for what is no adapter', async () => {
    const open = openModel(path('merged'), { base: fixture.base })
    await expect(open).rejects.toMatchObject({ code: 'usage', hint: 'Leave --base out.' })
  })

  it('says what to do with what only PEFT wrote, and that an adapter is no bundle', async () => {
    await cp(fixture.adapters.topic, path('peft'), { recursive: true })
    await rm(path('peft/graft.json'))
    await expect(openModel(path('peft'))).rejects.toMatchObject({
      code: 'file-not-found',
      hint: expect.stringContaining('graft import FOLDER --base BASE'),
    })
    await expect(openBundle(fixture.adapters.topic)).rejects.toMatchObject({
      code: 'bundle',
      message: expect.stringContaining('graft.json: kind: this is an adapter, not a bundle'),
      hint: expect.stringContaining('graft export --adapter FOLDER'),
    })
  })

  it('refuses a folder that is no model, and a base without a head', async () => {
    await expect(openModel(fixture.dir)).rejects.toMatchObject({
      code: 'file-not-found',
      file: path('graft.json'),
      hint: expect.stringContaining('graft train'),
    })
    await expect(openModel(fixture.base)).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('has no classification head'),
    })
    await cp(fixture.base, path('odd'), { recursive: true })
    await writeFile(path('odd/graft.json'), '{"kind": "summary"}')
    await expect(openModel(path('odd'))).rejects.toMatchObject({
      code: 'file-format',
      message: expect.stringContaining('graft.json: kind: '),
    })
  })
})
