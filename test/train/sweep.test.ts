/** Sweeps: which runs a grid stands for, that finished ones are not done again, and how results are grouped. */
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBase } from '../../src/files/base-folder.ts'
import { readDataset } from '../../src/train/dataset.ts'
import { identityOf } from '../../src/train/identity.ts'
import { renderSweep } from '../../src/train/report/sweep.ts'
import type { TrainSettings } from '../../src/train/settings.ts'
import {
  type SweepGrid,
  type SweepOptions,
  type SweepOutcome,
  gridSettings,
  groupSeeds,
  sweep,
  tellingSettings,
} from '../../src/train/sweep.ts'
import { writeFixture } from './fixtures.ts'

const grid: SweepGrid = {
  method: ['lora', 'full'],
  rank: [2, 4],
  targetModules: ['all-linear', ['wte', 'c_attn']],
  seed: [1, 2],
}

const context = { base: { dir: 'base' } }
let dir: string
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'graft-sweep-'))))
afterAll(() => rm(dir, { recursive: true }))

const outcome = (accuracy: number): SweepOutcome => ({
  status: 'finished',
  validation: { accuracy, macroF1: accuracy },
  test: { accuracy, macroF1: accuracy },
  parameters: { total: 1e6, trainable: 1e3 },
  seconds: 1,
  memoryBytes: 2,
  fileBytes: 3,
})

/** Results that tell the runs apart, without training: what is trained is none of the sweep's business. */
async function optionsFor(
  name: string,
  { values = grid, ...others }: Partial<SweepOptions> & { values?: SweepGrid } = {},
) {
  const runs: [TrainSettings, string][] = []
  const options: SweepOptions = {
    identity: 'a',
    runs: await gridSettings(values, context),
    out: join(dir, name),
    maxRuns: 20,
    run: async (settings, out) => {
      runs.push([settings, out])
      return outcome(0.9 + settings.seed / 100)
    },
    ...others,
  }
  return { options, runs }
}

describe('gridSettings', () => {
  it('has every combination, and all weights once for each rate and seed', async () => {
    const all = await gridSettings(grid, context)
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
    const rates = await gridSettings({ ...grid, method: ['full'], learningRate: [1, 2, 2] }, context)
    expect(rates.map(({ learningRate, seed }) => [learningRate, seed])).toEqual([
      [1, 1],
      [2, 1],
      [1, 2],
      [2, 2],
    ])
  })

  it('takes any setting, and refuses a value out of its range', async () => {
    const all = await gridSettings({ tokenDropout: [0, 0.3], batchSize: [8, 16] }, context)
    expect(all.map(({ tokenDropout, batchSize }) => [tokenDropout, batchSize])).toEqual([
      [0, 8],
      [0, 16],
      [0.3, 8],
      [0.3, 16],
    ])
    await expect(gridSettings({ tokenDropout: [0, 1] }, context)).rejects.toMatchObject({ code: 'usage', value: 1 })
  })
})

describe('sweep', () => {
  it('runs the grid in order, each into a folder of its own, and keeps every result as it comes', async () => {
    const seen: number[] = []
    const { options, runs } = await optionsFor('whole', { onResult: (_, done) => seen.push(done) })
    const results = await sweep(options)
    expect(runs.map(([settings]) => settings)).toEqual(options.runs)
    expect(new Set(runs.map(([, out]) => out)).size).toBe(10)
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    const lines = readFileSync(join(dir, 'whole', 'results.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(results)
    expect(results[0]).toMatchObject({ settings: { method: 'lora', rank: 2, seed: 1, learningRate: 0.001 } })
    expect(results[9]?.settings).not.toHaveProperty('rank')
  })

  it('goes on where it stopped, with the same results, and only does what is new', async () => {
    const controller = new AbortController()
    const reason = new Error('stopped')
    const onResult = (_: unknown, done: number) => void (done === 3 && controller.abort(reason))
    const first = await optionsFor('stopped', { signal: controller.signal, onResult })
    await expect(sweep(first.options)).rejects.toBe(reason)
    expect(first.runs).toHaveLength(3)
    const second = await optionsFor('stopped', { resume: true })
    const results = await sweep(second.options)
    expect(second.runs).toHaveLength(7)
    expect(results).toEqual(await sweep((await optionsFor('other')).options))
    const larger = await optionsFor('stopped', { resume: true, values: { ...grid, seed: [1, 2, 3] } })
    await sweep(larger.options)
    expect(larger.runs.map(([{ seed }]) => seed)).toEqual([3, 3, 3, 3, 3])
  })

  it('shows no result of other data, another base or other settings', async () => {
    await sweep((await optionsFor('stale')).options)
    const again = async (others: Parameters<typeof optionsFor>[1]) => {
      const { options, runs } = await optionsFor('stale', { resume: true, ...others })
      await sweep(options)
      return runs.length
    }
    expect(await again({})).toBe(0)
    expect(await again({ identity: 'b' })).toBe(10)
    expect(await again({ values: { ...grid, weightDecay: [0.5] } })).toBe(10)
    expect(await again({ values: { ...grid, device: ['tfjs-cpu'] } })).toBe(10)
  })

  it('keeps a run that diverged as a result, and goes on', async () => {
    const run: SweepOptions['run'] = async ({ learningRate }) =>
      learningRate > 1 ? { status: 'diverged', message: 'step 2: the loss is NaN' } : outcome(0.9)
    const values = { learningRate: [1e-3, 9], seed: [1, 2] }
    const results = await sweep((await optionsFor('diverged', { values, run })).options)
    expect(results.map(({ status }) => status)).toEqual(['finished', 'finished', 'diverged', 'diverged'])
    const groups = groupSeeds(results)
    expect(groups.map(({ finished, diverged }) => [finished.length, diverged])).toEqual([
      [2, 0],
      [0, 2],
    ])
    expect(renderSweep(groups, 'Accuracy')).not.toContain('NaN')
    const again = await optionsFor('diverged', { values, resume: true })
    expect(await sweep(again.options)).toEqual(results)
    expect(again.runs).toEqual([])
  })

  it('refuses a grid that is too large, an earlier sweep, and a damaged line', async () => {
    const { options, runs } = await optionsFor('refused', { maxRuns: 9 })
    await expect(sweep(options)).rejects.toMatchObject({
      code: 'usage',
      value: 10,
      hint: expect.stringContaining('--max-runs'),
    })
    expect(runs).toEqual([])
    await sweep((await optionsFor('refused')).options)
    await expect(sweep((await optionsFor('refused')).options)).rejects.toMatchObject({ code: 'file-exists' })
    writeFileSync(join(dir, 'refused', 'results.jsonl'), '{"key":"x"}\n')
    const damaged = sweep((await optionsFor('refused', { resume: true })).options)
    await expect(damaged).rejects.toMatchObject({ code: 'file-format', line: 1 })
  })

  it('with force starts over, but not where there is something that it did not write', async () => {
    await sweep((await optionsFor('forced')).options)
    const again = await optionsFor('forced', { force: true })
    await sweep(again.options)
    expect(again.runs).toHaveLength(10)
    writeFileSync(join(dir, 'forced', 'notes.txt'), 'mine')
    const refused = await optionsFor('forced', { force: true })
    await expect(sweep(refused.options)).rejects.toMatchObject({ code: 'file-exists' })
    expect(refused.runs).toEqual([])
  })
})

describe('identityOf', () => {
  it('changes with everything that decides a result', async () => {
    const fixture = await writeFixture()
    const [data, folder] = [await readDataset(fixture.data), await readBase(fixture.base)]
    const { train, validation, test } = data.splits
    const [row, ...rest] = test
    writeFileSync(join(fixture.dir, 'tokenizer.json'), '{}')
    const ids = [
      await identityOf(folder, data),
      await identityOf({ ...folder, sha256: 'other' }, data),
      await identityOf({ ...folder, config: { ...folder.config, n_head: 1 } }, data),
      await identityOf({ ...folder, dir: fixture.dir }, data),
      await identityOf(folder, { ...data, labels: data.labels.toReversed() }),
      await identityOf(folder, { ...data, splits: { train, validation, test: [{ ...row!, text: 'other' }, ...rest] } }),
      await identityOf(folder, { ...data, splits: { train, validation: validation.slice(1), test } }),
      await identityOf(folder, { ...data, splits: { train, validation: [], test: [...validation, ...test] } }),
    ]
    expect(new Set(ids).size).toBe(ids.length)
    expect(await identityOf(folder, data)).toBe(ids[0])
    await rm(fixture.dir, { recursive: true })
  })
})

describe('a sweep’s comparison', () => {
  it('groups seeds, and draws a point for each group', async () => {
    const groups = groupSeeds(await sweep((await optionsFor('compared')).options))
    expect(groups.map(({ settings: { method, rank }, finished }) => [method, rank, finished.length])).toEqual([
      ['lora', 2, 2],
      ['lora', 2, 2],
      ['lora', 4, 2],
      ['lora', 4, 2],
      ['full', undefined, 2],
    ])
    expect(tellingSettings(groups)).toEqual(['method', 'rank', 'alpha', 'targetModules', 'learningRate'])
    const others = await optionsFor('others', { values: { tokenDropout: [0, 0.5] } })
    expect(tellingSettings(groupSeeds(await sweep(others.options)))).toContain('tokenDropout')
    const svg = renderSweep(groups, 'Accuracy')
    expect(svg).toContain('<svg')
    for (const text of ['r 2', 'r 4', 'all weights', 'parameters trained', 'test accuracy']) expect(svg).toContain(text)
  })
})
