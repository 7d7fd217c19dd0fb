/** `graft adapters`: lists, inspects, compares and merges what training and PEFT wrote. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loraDelta } from '../../src/core/lora.ts'
import { readAdapter, writeAdapter } from '../../src/files/adapter-folder.ts'
import { createConfig } from '../../src/core/families/gpt2.ts'
import { randomAdapter, tinyConfig, scoreOf } from '../fixtures/adapter.ts'
import { golden } from '../interop/ours.ts'
import { runGraft } from './command-line.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'graft-adapters-'))
  await writeAdapter(join(dir, 'a'), randomAdapter({ seed: 1 }))
  await writeAdapter(join(dir, 'b'), randomAdapter({ seed: 2, rank: 5, targetModules: ['c_attn'] }))
  await writeAdapter(join(dir, 'other'), randomAdapter({ seed: 3, labels: ['x', 'y'] }))
})
afterAll(() => rm(dir, { recursive: true }))

const path = (name: string) => join(dir, name)
const graft = (...args: string[]) => JSON.parse(runGraft(['adapters', ...args, '--json']).stdout)
const failure = (...args: string[]) => graft(...args).error

describe('graft adapters', () => {
  it('lists adapters of Graft and of PEFT', async () => {
    const { adapters } = graft('list', dir)
    expect(adapters.map((each: { rank: number; labels: string[] }) => [each.rank, each.labels])).toEqual([
      [3, ['ham', 'spam']],
      [5, ['ham', 'spam']],
      [3, ['x', 'y']],
    ])
    expect(graft('list', join(golden, 'merges')).adapters).toHaveLength(2)
    expect(failure('list', join(golden, 'bases'))).toMatchObject({ code: 'file-not-found' })
  })

  it('inspects: the norms are those of ΔW', async () => {
    const { layers, labels, head } = graft('inspect', path('a'))
    expect([labels, head]).toEqual([['ham', 'spam'], { 'score.weight': [2, 8] }])
    const adapter = await readAdapter(path('a'))
    expect(layers).toHaveLength(8)
    for (const { name, normDelta, rank } of layers) {
      expect(rank).toBe(3)
      expect(normDelta).toBeCloseTo(Math.hypot(...loraDelta(adapter.layers.get(name)!).data), 3)
    }
  })

  it('compares', async () => {
    const { layers, settings } = graft('diff', path('a'), path('b'))
    expect(settings).toEqual(['r', 'target_modules'])
    const [a, b] = [await readAdapter(path('a')), await readAdapter(path('b'))]
    for (const { name, distance, cosine } of layers) {
      const x = loraDelta(a.layers.get(name)!).data
      const y = b.layers.has(name) ? loraDelta(b.layers.get(name)!).data : x.map(() => 0)
      expect(distance).toBeCloseTo(Math.hypot(...x.map((value, at) => value - y[at]!)), 2)
      expect(cosine === 0).toBe(!b.layers.has(name))
    }
    const same = graft('diff', path('a'), path('a'))
    for (const { distance, cosine } of same.layers) {
      expect(distance).toBeCloseTo(0, 3)
      expect(cosine).toBeCloseTo(1, 6)
    }
  })

  it('merges into an adapter that classifies', async () => {
    const merged = graft('merge', path('a'), path('b'), '--method', 'cat', '--weights', '0.5,2', '--out', path('cat'))
    expect(merged).toMatchObject({ rank: 8, layers: 8, labels: ['ham', 'spam'] })
    const [a, b, cat] = [await readAdapter(path('a')), await readAdapter(path('b')), await readAdapter(path('cat'))]
    const name = 'transformer.h.1.attn.c_attn'
    const [x, y, found] = [a, b, cat].map(({ layers }) => loraDelta(layers.get(name)!).data)
    found!.forEach((value, at) => expect(value).toBeCloseTo(0.5 * x![at]! + 2 * y![at]!, 2))
    scoreOf(cat).data.forEach((value, at) =>
      expect(value).toBeCloseTo(0.2 * scoreOf(a).data[at]! + 0.8 * scoreOf(b).data[at]!, 5),
    )
  })

  it('keeps thresholds that all adapters have, and says so where they differ', async () => {
    const several = async (name: string, seed: number, thresholds: number[]) => {
      const { info, ...adapter } = randomAdapter({ seed })
      const task = { problemType: 'multi_label_classification' as const, thresholds }
      await writeAdapter(path(name), { ...adapter, info: { ...info, ...task } })
    }
    await several('c', 1, [0.3, 0.6])
    await several('d', 2, [0.3, 0.6])
    await several('e', 3, [0.3, 0.7])
    const same = graft('merge', path('c'), path('d'), '--out', path('same'))
    expect(same).toMatchObject({ thresholds: [0.3, 0.6], dropsThresholds: false })
    expect((await readAdapter(path('same'))).info.thresholds).toEqual([0.3, 0.6])
    const { stdout } = runGraft(['adapters', 'merge', path('c'), path('e'), '--out', path('different')])
    expect(stdout).toContain('The adapters have different thresholds, so the result has none: one half for each label.')
    const { info } = await readAdapter(path('different'))
    expect(info).toMatchObject({ problemType: 'multi_label_classification' })
    expect(info).not.toHaveProperty('thresholds')
  })

  it('refuses what cannot be merged', async () => {
    const out = ['--out', path('refused')]
    expect(failure('merge', path('a'), path('other'), ...out)).toMatchObject({ code: 'adapter' })
    expect(failure('merge', path('a'), path('b'), '--method', 'linear', ...out)).toMatchObject({
      code: 'adapter',
      message: expect.stringContaining('different ranks'),
    })
    const wide = createConfig({ ...tinyConfig, n_embd: 10 })
    const { info: _, ...other } = randomAdapter({ config: wide })
    await writeAdapter(path('wide'), other)
    expect(failure('merge', path('a'), path('wide'), ...out)).toMatchObject({
      code: 'adapter',
      message: expect.stringContaining('c_attn is 8 × 24 in one adapter and 10 × 30 in another'),
    })
    expect(failure('merge', path('a'), ...out)).toMatchObject({ code: 'usage' })
    expect(failure('merge', path('a'), path('b'), '--weights', '1', ...out)).toMatchObject({ code: 'usage' })
  })
})
