/** An interrupted run ends as an uninterrupted one. */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../../src/core/random.ts'
import { initializeBase } from '../../../src/core/initialize.ts'
import { writeBase } from '../../../src/files/base-folder.ts'
import type { TrainPlan } from '../../../src/train/train.ts'
import { type RunOptions, base, dataset, interrupt, path, read, refusal, run, timeless, traces } from './runs.ts'

describe('an interrupted run', () => {
  it.each([
    ['in the middle of an epoch', 7],
    ['after an evaluation', 10],
  ])('%s leaves a checkpoint, and resumed gives what an uninterrupted one does', async (_, stopAt) => {
    const settings = { evalEvery: 4 }
    await run(`whole-${stopAt}`, { settings })
    const name = `stopped-${stopAt}`
    expect(await interrupt(name, stopAt, { settings })).toMatchObject({ message: 'stopped' })
    expect(traces(name)).toEqual([`${name}.checkpoint.safetensors`])
    let plan: TrainPlan | undefined
    await run(name, { settings, resume: true, onStart: (started) => void (plan = started) })
    expect(plan?.resumedAt).toBe(stopAt)
    expect(traces(name)).toEqual([name])
    expect(timeless(name)).toEqual(timeless(`whole-${stopAt}`))
    for (const file of ['adapter_model.safetensors', 'adapter_config.json', 'graft.json']) {
      expect(read(name, file)).toEqual(read(`whole-${stopAt}`, file))
    }
  })

  it('is not forgotten by accident, but with force', async () => {
    await interrupt('forgotten', 3)
    expect(await refusal('forgotten')).toMatchObject({
      code: 'file-exists',
      file: path('forgotten.checkpoint.safetensors'),
      hint: expect.stringContaining('--resume'),
    })
    let plan: TrainPlan | undefined
    await run('forgotten', { force: true, onStart: (started) => void (plan = started) })
    expect(plan?.resumedAt).toBe(0)
    expect(traces('forgotten')).toEqual(['forgotten'])
  })

  it('goes on only with its own data, base and settings', async () => {
    await interrupt('own', 3)
    const [first, ...rest] = dataset.splits.validation
    const validation = [{ ...first!, text: 'another' }, ...rest]
    const { config, weights } = base
    await writeBase(path('other-config'), { config: { ...config, n_head: 1 }, weights })
    await writeBase(path('other-weights'), { config, weights: initializeBase(config, createRandom(2)) })
    const others: RunOptions[] = [
      { settings: { learningRate: 0.02 } },
      { settings: { seed: 1 } },
      { settings: { lora: { rank: 4 } } },
      { base: path('other-weights') },
      { base: path('other-config') },
      { dataset: { ...dataset, sha256: 'a'.repeat(64) } },
      { dataset: { ...dataset, splits: { ...dataset.splits, validation } } },
    ]
    for (const other of others) {
      expect(await refusal('own', { ...other, resume: true })).toMatchObject({ code: 'checkpoint' })
    }
    expect(traces('own')).toEqual(['own.checkpoint.safetensors'])
    expect(await run('own', { resume: true })).toMatchObject({ steps: 15 })
  })

  it('that does not exist cannot be resumed', async () => {
    expect(await refusal('nothing', { resume: true })).toMatchObject({ code: 'file-not-found' })
    expect(traces('nothing')).toEqual([])
  })

  it('whose checkpoint is damaged is refused', async () => {
    await interrupt('damaged', 3)
    const file = path('damaged.checkpoint.safetensors')
    await writeFile(file, readFileSync(file).subarray(0, -5))
    expect(await refusal('damaged', { resume: true })).toMatchObject({ code: 'safetensors', file })
  })
})
