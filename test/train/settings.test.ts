/** Settings: the table's ranges, which source wins, and what a recipe may say. */
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBase } from '../../src/files/base-folder.ts'
import { shippedBase } from '../../src/train/shipped-base.ts'
import { totalStepsOf } from '../../src/train/schedule.ts'
import {
  PRETRAIN_SETTINGS,
  TRAIN_SETTINGS,
  type TrainSettingsInput,
  settingsInForce,
  trainDefaults,
} from '../../src/train/settings.ts'
import { resolvePretrainSettings, resolveSettings } from '../../src/train/settings/resolve.ts'
import type { Setting } from '../../src/train/settings/setting.ts'
import { settingFlag, valueWords } from '../../src/train/settings/words.ts'

let dir: string
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'graft-settings-'))))
afterAll(() => rm(dir, { recursive: true }))

const baseWith = (recipe?: unknown) => ({
  dir,
  info: { formatVersion: 1 as const, kind: 'base' as const, hyperparameters: {}, metrics: {}, corpus: [], recipe },
})

/** A recipe file's path. */
function recipeFile(content: unknown): string {
  const file = join(dir, 'recipe.json')
  writeFileSync(file, JSON.stringify(content))
  return file
}

const resolve = (given: TrainSettingsInput, ofBase?: unknown, recipe?: string) =>
  resolveSettings({ base: baseWith(ofBase), given, recipe })

const refusal = (...args: Parameters<typeof resolve>) => resolve(...args).catch((error: unknown) => error)

describe('the table', () => {
  const settings: [string, Setting<unknown>][] = [
    ...Object.entries(TRAIN_SETTINGS),
    ...Object.entries(PRETRAIN_SETTINGS),
  ]

  it('has a default within the range of each setting, which is read back as it is written', () => {
    for (const [name, setting] of settings) {
      const text = String(valueWords(setting.default as string))
      expect([name, setting.is(setting.default), setting.parse(text)]).toEqual([name, true, setting.default])
    }
  })

  it.each<[keyof typeof TRAIN_SETTINGS, unknown[], unknown[]]>([
    ['tokenDropout', [0, 0.999], [1, -0.1, NaN, '0.1', null]],
    ['dropout', [0, 0.5], [1, 2]],
    ['beta2', [0, 0.999], [1]],
    ['warmup', [0, 1], [1.1, -1]],
    ['rank', [1, 64], [0, 1.5, Infinity, '8']],
    ['seed', [0, 2 ** 53 - 1], [-1, 2 ** 53]],
    ['learningRate', [1e-9, 5], [0, -1, Infinity]],
    ['patience', [0, 3], [-1, 0.5]],
    ['method', ['lora', 'full'], ['qlora', '', undefined]],
    ['device', ['cpu', 'webgpu'], ['auto', 'gpu']],
    ['targetModules', ['all-linear', 'h\\..*', ['wte']], ['', [], [''], [1], {}]],
  ])('%s takes what is in its range alone', (name, good, bad) => {
    const { is } = TRAIN_SETTINGS[name]
    expect(good.filter((value) => !is(value))).toEqual([])
    expect(bad.filter((value) => is(value))).toEqual([])
  })

  it('is what docs/training.md shows', () => {
    const docs = readFileSync(new URL('../../docs/training.md', import.meta.url), 'utf8').replace(/ +/g, ' ')
    const rows = Object.entries<Setting<unknown>>(TRAIN_SETTINGS).map(
      ([name, { default: value, expected, help }]) =>
        `| \`${settingFlag(name)}\` | ${help} | ${expected} | ${valueWords(value as string)} |`,
    )
    expect(rows.filter((row) => !docs.includes(row))).toEqual([])
  })
})

describe('resolveSettings', () => {
  it('gives the defaults where nothing else is said, those of the method', async () => {
    expect((await resolve({})).settings).toEqual(trainDefaults('lora'))
    expect((await resolve({ method: 'full' })).settings).toMatchObject({ method: 'full', learningRate: 5e-4 })
  })

  it('lets the caller win over a file, that over the recipe, and that over the defaults', async () => {
    const ofBase = { lora: { rank: 2, alpha: 3, dropout: 0.2 }, seed: 7 }
    const file = recipeFile({ lora: { alpha: 5, dropout: 0.3 } })
    const { settings, sources } = await resolve({ lora: { dropout: 0.4 }, batchSize: undefined }, ofBase, file)
    expect(settings).toMatchObject({ lora: { rank: 2, alpha: 5, dropout: 0.4 }, seed: 7, batchSize: 16 })
    expect(sources).toMatchObject({
      rank: 'recipe',
      alpha: 'file',
      dropout: 'given',
      seed: 'recipe',
      batchSize: 'default',
    })
  })

  it('leaves all recipes out with none', async () => {
    expect((await resolve({}, { seed: 7, lora: { rank: 0 } }, 'none')).settings).toEqual(trainDefaults('lora'))
  })

  it('uses a recipe for its own method alone, and says so', async () => {
    const ofBase = { method: 'lora', learningRate: 0.5 }
    const other = await resolve({ method: 'full' }, ofBase)
    expect(other).toMatchObject({ settings: { learningRate: 5e-4 }, unusedRecipe: 'lora' })
    expect(await resolve({}, ofBase)).not.toHaveProperty('unusedRecipe')
    expect((await resolve({ method: 'full' }, { learningRate: 0.5 })).settings.learningRate).toBe(0.5)
    const file = recipeFile({ method: 'full' })
    expect((await resolve({}, ofBase, file)).settings).toMatchObject({ method: 'full', learningRate: 5e-4 })
    expect(await refusal({ method: 'lora' }, undefined, file)).toMatchObject({ code: 'usage', file })
  })

  it('takes a length that is given as it is, whatever a recipe says of steps', async () => {
    const ofBase = { epochs: 4, minSteps: 600, maxSteps: 900 }
    const lengthOf = async (given: TrainSettingsInput) => {
      const { epochs, minSteps, maxSteps } = (await resolve(given, ofBase)).settings
      return [epochs, minSteps, maxSteps]
    }
    expect(await lengthOf({})).toEqual([4, 600, 900])
    expect(await lengthOf({ epochs: 2 })).toEqual([2, 0, 0])
    expect(await lengthOf({ maxSteps: 10 })).toEqual([4, 0, 10])
    expect(await lengthOf({ epochs: 2, minSteps: 30 })).toEqual([2, 30, 0])
    expect(await refusal({ minSteps: 30, maxSteps: 10 })).toMatchObject({ code: 'usage', value: 30 })
  })

  it.each<[string, unknown, string, unknown]>([
    ['no object', [1], 'expected an object of settings, not [1]', [1]],
    ['a list under lora', { lora: [] }, 'lora is [], and must be an object of settings', []],
    ['an unknown key', { leraningRate: 1 }, 'unknown setting "leraningRate", which is 1', 1],
    ['a key of every object', { constructor: 1 }, 'unknown setting "constructor"', 1],
    ['an unknown key of LoRA', { lora: { r: 4 } }, 'unknown setting "lora.r", which is 4', 4],
    ['a value of another type', { epochs: '5' }, 'epochs is "5", and must be a whole number of 1 or more', '5'],
    ['null', { epochs: null }, 'epochs is null', null],
    ['a value out of its range', { lora: { dropout: 1 } }, 'lora.dropout is 1, and must be a number of 0 or more', 1],
    ['a device', { device: 'cuda' }, 'no recipe may set it', 'cuda'],
  ])('refuses %s, in a file, in a base and from a caller', async (_, recipe, message, value) => {
    const file = recipeFile(recipe)
    const found = { message: expect.stringContaining(message), value }
    expect(await refusal({}, undefined, file)).toMatchObject({ ...found, code: 'config', file })
    expect(await refusal({}, recipe)).toMatchObject({
      ...found,
      code: 'config',
      file: join(dir, 'graft.json'),
      hint: expect.stringMatching(/./),
    })
    if (value === 'cuda') return
    expect(await refusal(recipe as TrainSettingsInput)).toMatchObject({ ...found, code: 'usage' })
  })

  it('says where a setting of LoRA belongs', async () => {
    const misplaced = { rank: 4 } as TrainSettingsInput
    expect(await refusal(misplaced)).toMatchObject({ hint: 'It belongs into "lora".' })
    expect(await refusal({ lora: { epochs: 4 } } as TrainSettingsInput)).toMatchObject({
      hint: 'It belongs beside "lora".',
    })
  })

  it('refuses a recipe that is no JSON, and one that is not there', async () => {
    const file = join(dir, 'damaged.json')
    writeFileSync(file, '{"seed": }')
    expect(await refusal({}, undefined, file)).toMatchObject({ code: 'file-format', file })
    expect(await refusal({}, undefined, join(dir, 'none.json'))).toMatchObject({ code: 'file-not-found' })
  })

  it('takes the recipe of the base that ships with Graft', async () => {
    const base = await readBase(shippedBase())
    const { settings, sources } = await resolveSettings({ base, given: {} })
    expect(settings).toMatchObject({ lora: { rank: 4, alpha: 1, dropout: 0.1 }, learningRate: 2e-3, tokenDropout: 0.3 })
    expect(settings.minSteps).toBeGreaterThan(100)
    expect(sources.rank).toBe('recipe')
    expect(Object.keys(settingsInForce(settings))).toEqual(Object.keys(TRAIN_SETTINGS))
    expect(settingsInForce({ ...settings, method: 'full' })).not.toHaveProperty('rank')
  })
})

describe('resolvePretrainSettings', () => {
  it('takes what is given over the defaults, and refuses what is none', () => {
    expect(resolvePretrainSettings({ epochs: 1, device: undefined })).toMatchObject({
      epochs: 1,
      device: 'cpu',
      samples: 4096,
    })
    expect(() => resolvePretrainSettings({ dropout: 1 })).toThrow(/dropout is 1/)
    expect(() => resolvePretrainSettings({ rank: 1 })).toThrow(/unknown setting "rank"/)
  })
})

describe('totalStepsOf', () => {
  it.each([
    [{ epochs: 3 }, 30],
    [{ epochs: 3, minSteps: 45 }, 45],
    [{ epochs: 3, minSteps: 20 }, 30],
    [{ epochs: 3, maxSteps: 7 }, 7],
    [{ epochs: 3, maxSteps: 100 }, 30],
    [{ epochs: 1, minSteps: 20, maxSteps: 25 }, 20],
  ])('of %o and 10 steps an epoch is %d', (length, steps) => expect(totalStepsOf(length, 10)).toBe(steps))
})
