/** A checkpoint gives back the run, and is refused where it is damaged or of another run. */
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serializeSafetensors } from '../../src/core/safetensors.ts'
import { readCheckpoint, writeCheckpoint } from '../../src/train/checkpoint.ts'
import type { RunState } from '../../src/train/loop.ts'

const best = { kind: 'evaluation', step: 1, epoch: 0, loss: 0.5, accuracy: 0.75, macroF1: 0.7 } as const
const stepRecord = { kind: 'step', step: 1, epoch: 0, loss: 1 / 3, accuracy: 0.5, learningRate: 1e-3 } as const
const state: RunState = {
  step: 1,
  history: [{ ...stepRecord, gradientNorm: 1e-9, tokensPerSecond: 1234.5678 }, best],
  best,
  evaluationsWithoutImprovement: 0,
  state: new Map([
    ['adapter.values', Float32Array.of(1, -0, 1e-40, 3.4e38)],
    ['adapter.m', Float32Array.of(0.1, 0.2, 0.3, 0.4)],
  ]),
  bestState: new Map([['adapter.values', Float32Array.of(9, 8, 7, 6)]]),
}

let dir: string
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'graft-checkpoint-'))))
afterAll(() => rm(dir, { recursive: true }))

const path = (name: string) => join(dir, name)
const refusal = (name: string, fingerprint = 'mine') =>
  readCheckpoint(path(name), fingerprint).catch((error: unknown) => error)

describe('a checkpoint', () => {
  it('gives back the run, bit for bit', async () => {
    await writeCheckpoint(path('run'), state, 'mine')
    expect(await readCheckpoint(path('run'), 'mine')).toEqual(state)
    expect(await readdir(dir)).toEqual(['run'])
  })

  it('gives back a run without an evaluation', async () => {
    const { best: _, bestState: __, ...young } = state
    await writeCheckpoint(path('run'), young, 'mine')
    expect(await readCheckpoint(path('run'), 'mine')).toEqual(young)
  })

  it('is replaced whole by the next', async () => {
    await writeCheckpoint(path('run'), state, 'mine')
    await writeCheckpoint(path('run'), { ...state, step: 2 }, 'mine')
    expect((await readCheckpoint(path('run'), 'mine')).step).toBe(2)
  })

  it('is refused by a run with other settings', async () => {
    await writeCheckpoint(path('run'), state, 'mine')
    expect(await refusal('run', 'other')).toMatchObject({
      code: 'checkpoint',
      file: path('run'),
      hint: expect.stringContaining('--force'),
    })
  })

  it('that is missing says to train without --resume', async () => {
    expect(await refusal('none')).toMatchObject({
      code: 'file-not-found',
      hint: expect.stringContaining('without --resume'),
    })
  })

  it.each([0, 7, 100, -1])('cut after %d bytes is refused', async (length) => {
    await writeCheckpoint(path('run'), state, 'mine')
    writeFileSync(path('cut'), readFileSync(path('run')).subarray(0, length === -1 ? -1 : length))
    expect(await refusal('cut')).toMatchObject({ name: 'GraftError', file: path('cut') })
  })

  it.each([
    ['no progress', undefined],
    ['progress that is no JSON', '{'],
    ['progress that lacks a field', '{"step": 1}'],
    [
      'a history of other things',
      JSON.stringify({ step: 1, evaluationsWithoutImprovement: 0, history: [{ kind: 'x' }] }),
    ],
    ['a step that is no number', JSON.stringify({ step: null, evaluationsWithoutImprovement: 0, history: [] })],
  ])('with %s is refused', async (_, progress) => {
    const metadata = { fingerprint: 'mine', ...(progress !== undefined && { progress }) }
    writeFileSync(path('damaged'), serializeSafetensors(new Map(), metadata))
    expect(await refusal('damaged')).toMatchObject({ code: 'checkpoint', file: path('damaged') })
  })
})
