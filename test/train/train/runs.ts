/** Runs of a tiny base on a tiny data set, and what they wrote. */
import { readFileSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type Base, readBase } from '../../../src/files/base-folder.ts'
import { type StoredDataset, readDataset } from '../../../src/train/dataset.ts'
import type { HistoryRecord } from '../../../src/train/report.ts'
import type { TrainSettingsInput } from '../../../src/train/settings.ts'
import { type TrainOptions, train } from '../../../src/train/train.ts'
import { type Fixture, writeFixture } from '../fixtures.ts'

export let fixture: Fixture
export let base: Base
export let dataset: StoredDataset
beforeAll(async () => {
  fixture = await writeFixture()
  base = await readBase(fixture.base)
  dataset = await readDataset(fixture.data)
})
afterAll(() => rm(fixture.dir, { recursive: true }))

export const path = (...names: string[]) => join(fixture.dir, ...names)

export type RunOptions = Partial<TrainOptions> & { settings?: TrainSettingsInput }

/** 3 epochs of 5 steps. */
export function run(name: string, { settings, ...options }: RunOptions = {}) {
  const all: TrainSettingsInput = { epochs: 3, batchSize: 8, learningRate: 0.03, ...settings }
  return train({ base: fixture.base, dataset, out: path(name), threads: 1, ...all, ...options })
}

export const refusal = (...args: Parameters<typeof run>) => run(...args).catch((error: unknown) => error)

/** Stops a run after a step; `metrics.jsonl` then has what it would have had. */
export async function interrupt(name: string, stopAt: number, options: RunOptions = {}) {
  const controller = new AbortController()
  const onRecord = ({ step }: HistoryRecord) => void (step === stopAt && controller.abort(new Error('stopped')))
  return refusal(name, { ...options, signal: controller.signal, onRecord })
}

export const read = (...names: string[]) => readFileSync(path(...names))
export const history = (name: string) =>
  read(name, 'metrics.jsonl')
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as HistoryRecord)

/** Without what differs from run to run: the time. */
export const timeless = (name: string) => history(name).map((entry) => ({ ...entry, tokensPerSecond: 0 }))

/** All that a run wrote or left in the fixture's folder under a name, hidden files too. */
export const traces = (name: string) => readdirSync(fixture.dir).filter((entry) => entry.includes(name))
