/** Bundles below float32: what they hold, how close they stay, and that one which loses too much is not written. */
import { existsSync } from 'node:fs'
import { readFile, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TensorMap } from '../../src/core/tensors.ts'
import { type ExportOptions, exportBundle, openBundle, verifyBundle } from '../../src/export/index.ts'
import { writeAdapter } from '../../src/files/adapter-folder.ts'
import { readBase, writeBase } from '../../src/files/base-folder.ts'
import type { LabelledText } from '../../src/runtime/index.ts'
import {
  type Fixture,
  config,
  createAdapter,
  largestDifference,
  weights,
  writeFixture,
  writeTaskAdapters,
} from './fixtures.ts'

let fixture: Fixture
beforeAll(async () => void (fixture = await writeFixture()))
afterAll(() => rm(fixture.dir, { recursive: true }))

const path = (...parts: string[]) => join(fixture.dir, ...parts)

const probes = ['ok', 'Grüße aus 東京 — с приветом 🎉', 'a text of eight tokens, more or less']

/** Texts with the labels that the mood adapter gives them. */
let texts: LabelledText[]
beforeAll(async () => {
  await exportBundle({ adapters: [{ dir: fixture.adapters.mood }], mode: 'merged', dir: path('labels'), probes })
  await using classifier = await openBundle(path('labels'))
  const all = Array.from({ length: 40 }, (_, at) => `${probes[at % 3]} ${'abcde'.repeat(at % 7)} ${at}`)
  const found = await classifier.classify(all)
  texts = all.map((text, at) => ({ text, label: found[at]!.label, file: 'texts.csv', line: at + 2 }))
})

const exportMood = (name: string, options: Partial<ExportOptions>) =>
  exportBundle({
    adapters: [{ dir: fixture.adapters.mood }],
    mode: 'merged',
    dir: path(name),
    probes,
    calibration: [{ texts }],
    ...options,
  })

async function logitsOf(name: string): Promise<Float32Array[]> {
  await using classifier = await openBundle(path(name))
  return await classifier.logits(texts.map(({ text }) => text))
}

describe.each(['merged', 'unmerged'] as const)('a %s bundle', (mode) => {
  it.each([
    ['fp16', 0.01, 0.52],
    ['int8', 0.5, 0.33],
    ['int4', 4, 0.33],
  ] as const)('in %s is close to float32, smaller, and sound', async (precision, difference, share) => {
    const [exact, narrow] = [`${mode}-fp32-for-${precision}`, `${mode}-${precision}`]
    await exportMood(exact, { mode })
    const manifest = await exportMood(narrow, { mode, precision, maxAccuracyDrop: 0.5 })
    expect(manifest).toMatchObject({
      precision,
      parity: { maxDifference: 0 },
      gate: { fp32Layers: [], comparisons: [{ on: 'validation', texts: 40, score: { fp32: 1 } }] },
    })
    const [before, after] = await Promise.all([exact, narrow].map(logitsOf))
    const differences = before!.map((row, at) => largestDifference(row, after![at]!))
    expect(Math.max(...differences)).toBeLessThan(difference)
    expect(Math.max(...differences)).toBeGreaterThan(0)
    const [large, small] = await Promise.all([exact, narrow].map((name) => stat(path(name, 'onnx/model.onnx'))))
    expect(small!.size / large!.size).toBeLessThan(share)
    expect(await verifyBundle(path(narrow))).toMatchObject({ ok: true })
  })
})

it('gives a text in int8 what it gives it alone, whatever else is in its batch', async () => {
  await exportMood('alone', { precision: 'int8' })
  await using classifier = await openBundle(path('alone'))
  const together = await classifier.logits(texts.map(({ text }) => text))
  for (const [at, { text }] of texts.entries()) {
    const [alone] = await classifier.logits([text])
    expect(largestDifference(alone!, together[at]!)).toBeLessThan(1e-4)
  }
})

it('measures on the probes where there are no labelled texts', async () => {
  const { gate } = await exportMood('probes', { precision: 'int8', calibration: [] })
  expect(gate).toMatchObject({ comparisons: [{ on: 'probes', texts: 3, agreement: 1 }] })
  expect(gate?.comparisons[0]).not.toHaveProperty('score')
})

it('measures texts with several labels, and numbers, in their own way', async () => {
  const { several, number } = await writeTaskAdapters(fixture)
  const labelled = texts.map((text, at) => ({ ...text, label: String(at % 5) }))
  const { gate } = await exportMood('tasks', {
    adapters: [{ dir: several }, { dir: number }],
    mode: 'unmerged',
    precision: 'int8',
    calibration: [{ adapter: 'number', texts: labelled }],
    maxAccuracyDrop: 100, // R² of what was never learnt may be anything
  })
  expect(gate?.comparisons).toMatchObject([
    { adapter: 'several', on: 'probes', agreement: 1 },
    { adapter: 'number', on: 'validation', texts: 40, agreement: 1 },
  ])
  // A change of the number has no limit without labelled texts: its unit is anybody's.
  await exportMood('number-alone', { adapters: [{ dir: number }], precision: 'int8', calibration: [] })
})

describe('a model that collapses in eight bits', () => {
  /** One channel is ten thousand times the others, and no weight reads it: in float32 it is nothing, in eight bits all the rest is. */
  const collapsing = (): TensorMap => {
    const changed = new Map([...weights].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]))
    changed.get('transformer.h.1.ln_2.bias')!.data[0] = 1e4
    changed.get('transformer.h.1.mlp.c_fc.weight')!.data.fill(0, 0, 24) // row 0 of [16, 24]
    return changed
  }
  const layer = 'transformer.h.1.mlp.c_fc'
  const adapters = () => [{ dir: path('outlier-mood') }]
  let labelled: LabelledText[]

  beforeAll(async () => {
    await writeBase(path('outlier'), { config, weights: collapsing() }, {})
    const { sha256: baseSha256 } = await readBase(path('outlier'))
    await writeAdapter(
      path('outlier-mood'),
      createAdapter({
        base: path('outlier'),
        baseSha256,
        seed: 5,
        rank: 1,
        targetModules: ['attn.c_proj'],
        labels: ['2', '1', '0'],
      }),
    )
    await exportBundle({ adapters: adapters(), mode: 'merged', dir: path('outlier-fp32'), probes })
    await using classifier = await openBundle(path('outlier-fp32'))
    const found = await classifier.classify(texts.map(({ text }) => text))
    labelled = texts.map((each, at) => ({ ...each, label: found[at]!.label }))
  })
  const exportOutlier = (name: string, options: Partial<ExportOptions> = {}) =>
    exportMood(name, { adapters: adapters(), precision: 'int8', calibration: [{ texts: labelled }], ...options })

  it('is refused, and what hurts is named', async () => {
    const failure = exportOutlier('refused')
    await expect(failure).rejects.toMatchObject({ code: 'precision' })
    await expect(failure).rejects.toThrow(
      /^int8 loses [\d.]+ points on 40 validation texts \(1\.0000 → 0\.\d{4}\); 0\.5 are allowed$/,
    )
    await expect(failure).rejects.toHaveProperty(
      'hint',
      expect.stringMatching(new RegExp(`^The layers that hurt most: keep them with --keep-fp32 ${layer},`)),
    )
    expect(existsSync(path('refused'))).toBe(false)
    expect((await readdir(fixture.dir)).filter((name) => name.includes('refused'))).toEqual([])
  })

  it('passes with that layer in float32, named or found', async () => {
    const allowed = { maxAccuracyDrop: 0.1 }
    const named = await exportOutlier('named', { fp32Layers: [layer], ...allowed })
    expect(named.gate?.fp32Layers).toEqual([layer])
    const found = await exportOutlier('found', { fp32Layers: 'auto', ...allowed })
    expect(found.gate?.fp32Layers).toContain(layer)
    expect(await readFile(path('found', 'onnx/model.onnx'))).toHaveProperty('length')
    expect(await verifyBundle(path('found'))).toMatchObject({ ok: true })
  })
})

describe('what cannot be', () => {
  it.each<[string, Partial<ExportOptions>, string]>([
    ['a layer that is not there', { fp32Layers: ['h.9'] }, 'the base has no layer "h.9" to keep in float32'],
    [
      'an adapter that is not there',
      { calibration: [{ adapter: 'spam', texts: [] }] },
      'a data set to calibrate on names the adapter "spam"',
    ],
  ])('is refused by name: %s', async (_, options, message) => {
    await expect(exportMood('usage', { precision: 'int8', ...options })).rejects.toMatchObject({
      code: 'usage',
      message,
    })
  })

  it('is refused by place: a label that the model has not', async () => {
    const wrong = [{ ...texts[0]!, label: 'happy' }]
    await expect(exportMood('label', { precision: 'int8', calibration: [{ texts: wrong }] })).rejects.toMatchObject({
      code: 'data-label',
      line: 2,
    })
  })
})
