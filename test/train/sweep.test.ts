/** Sweeps: which runs a grid stands for, that finished ones are not done again, and how results are grouped. */
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renderSweep } from '../../src/train/report/sweep.ts'
import type { TrainSettings } from '../../src/train/settings.ts'
import { type SweepGrid, type SweepOptions, gridSettings, groupSeeds, sweep } from '../../src/train/sweep.ts'

const shared = { epochs: 2, batchSize: 4, maxLength: 8 }
const grid: SweepGrid = {
  methods: ['lora', 'full'],
  ranks: [2, 4],
  alphas: [8],
  targetModules: ['all-linear', ['wte', 'c_attn']],
  seeds: [1, 2],
}

let dir: string
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'graft-sweep-'))))
afterAll(() => rm(dir, { recursive: true }))

/** Results that tell the runs apart, without training: what is trained is none of the sweep's business. */
function optionsFor(name: string, others: Partial<SweepOptions> = {}) {
  const runs: [TrainSettings, string][] = []
  const options: SweepOptions = {
    baseSha256: 'a',
    dataSha256: 'b',
    grid,
    settings: shared,
    out: join(dir, name),
    maxRuns: 20,
    run: async (settings, out) => {
      runs.push([settings, out])
      const accuracy = 0.9 + settings.seed / 100
      return {
        validation: { accuracy, macroF1: accuracy },
        test: { accuracy, macroF1: accuracy },
        parameters: { total: 1e6, trainable: settings.method === 'full' ? 1e6 : 1000 * settings.lora.rank },
        seconds: 1,
        memoryBytes: 2,
        fileBytes: 3,
      }
    },
    ...others,
  }
  return { options, runs }
}

describe('gridSettings', () => {
  it('has every combination, and all weights once for each rate and seed', () => {
    const all = gridSettings(grid, shared)
    const names = all.map(({ method, lora, learningRate, seed }) =>
      method === 'full'
        ? `full ${learningRate} ${seed}`
        : `${lora.rank} ${String(lora.targetModules)} ${learningRate} ${seed}`,
    )
    expect(names).toEqual([
      '2 all-linear 0.001 1',
      '2 all-linear 0.001 2',
      '2 wte,c_attn 0.001 1',
      '2 wte,c_attn 0.001 2',
      '4 all-linear 0.001 1',
      '4 all-linear 0.001 2',
      '4 wte,c_attn 0.001 1',
      '4 wte,c_attn 0.001 2',
      'full 0.0005 1',
      'full 0.0005 2',
    ])
    expect(all.every(({ epochs, batchSize, maxLength }) => epochs === 2 && batchSize === 4 && maxLength === 8)).toBe(
      true,
    )
    const rates = gridSettings({ ...grid, methods: ['full'], learningRates: [1, 2] }, shared)
    expect(rates.map(({ learningRate }) => learningRate)).toEqual([1, 1, 2, 2])
  })
})

describe('sweep', () => {
  it('runs the grid in order, each into a folder of its own, and keeps every result as it comes', async () => {
    const seen: number[] = []
    const { options, runs } = optionsFor('whole', { onResult: (_, done) => seen.push(done) })
    const results = await sweep(options)
    expect(runs.map(([settings]) => settings)).toEqual(gridSettings(grid, shared))
    expect(new Set(runs.map(([, out]) => out)).size).toBe(10)
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    const lines = readFileSync(join(dir, 'whole', 'results.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(results)
  })

  it('goes on where it stopped, with the same results, and only does what is new', async () => {
    const controller = new AbortController()
    const reason = new Error('stopped')
    const onResult = (_: unknown, done: number) => void (done === 3 && controller.abort(reason))
    const first = optionsFor('stopped', { signal: controller.signal, onResult })
    await expect(sweep(first.options)).rejects.toBe(reason)
    expect(first.runs).toHaveLength(3)
    const second = optionsFor('stopped', { resume: true })
    const results = await sweep(second.options)
    expect(second.runs).toHaveLength(7)
    expect(results).toEqual(await sweep(optionsFor('other').options))
    const larger = optionsFor('stopped', { resume: true, grid: { ...grid, seeds: [1, 2, 3] } })
    await sweep(larger.options)
    expect(larger.runs.map(([{ seed }]) => seed)).toEqual([3, 3, 3, 3, 3])
    const otherData = optionsFor('stopped', { resume: true, dataSha256: 'c' })
    await sweep(otherData.options)
    expect(otherData.runs).toHaveLength(10)
  })

  it('refuses a grid that is too large, an earlier sweep, and a damaged line', async () => {
    const { options, runs } = optionsFor('refused', { maxRuns: 9 })
    await expect(sweep(options)).rejects.toMatchObject({
      code: 'usage',
      value: 10,
      hint: expect.stringContaining('--max-runs'),
    })
    expect(runs).toEqual([])
    await sweep(optionsFor('refused').options)
    await expect(sweep(optionsFor('refused').options)).rejects.toMatchObject({ code: 'file-exists' })
    await sweep(optionsFor('refused', { force: true }).options)
    writeFileSync(join(dir, 'refused', 'results.jsonl'), '{"key":"x"}\n')
    const damaged = sweep(optionsFor('refused', { resume: true }).options)
    await expect(damaged).rejects.toMatchObject({ code: 'file-format', line: 1 })
  })
})

describe('a sweep’s comparison', () => {
  it('groups seeds, and draws a point for each group', async () => {
    const groups = groupSeeds(await sweep(optionsFor('compared').options))
    expect(groups.map(({ method, rank, results }) => [method, rank, results.length])).toEqual([
      ['lora', 2, 2],
      ['lora', 2, 2],
      ['lora', 4, 2],
      ['lora', 4, 2],
      ['full', 8, 2],
    ])
    const svg = renderSweep(groups, 'Accuracy')
    expect(svg).toContain('<svg')
    for (const text of ['r 2', 'r 4', 'all weights', 'parameters trained', 'test accuracy']) expect(svg).toContain(text)
  })
})
