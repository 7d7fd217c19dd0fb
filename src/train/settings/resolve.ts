/** Which settings are in force: defaults, over them the base's recipe, a recipe file, and what the caller gives. */
import { join } from 'node:path'
import { GraftError } from '../../core/errors.ts'
import type { Base } from '../../files/base-folder.ts'
import { readJson } from '../../files/read.ts'
import {
  type DistillSettings,
  type FlatTrainSettings,
  type PretrainSettings,
  type SettingName,
  type TrainSettings,
  type TrainSettingsInput,
  type TrainingMethod,
  distillDefaults,
  flatDefaults,
  nestSettings,
  pretrainDefaults,
} from '../settings.ts'
import { type Place, checkDistillSettings, checkPretrainSettings, checkTrainSettings } from './check.ts'

/** Where a setting's value comes from: nowhere else, the base's recipe, a recipe file, or the caller. */
export type SettingSource = 'default' | 'recipe' | 'file' | 'given'

export interface ResolvedSettings {
  settings: TrainSettings
  sources: Record<SettingName, SettingSource>
  /** The method of the base's recipe where that is of another one, so that it is not used. */
  unusedRecipe?: TrainingMethod
}

export interface ResolveOptions {
  base: Pick<Base, 'dir' | 'info'>
  given: TrainSettingsInput
  /** `none` for the defaults alone, or a file of settings as JSON, which go over the base's own. */
  recipe?: string | undefined
}

interface Layer {
  source: SettingSource
  values: Partial<FlatTrainSettings>
}

const GIVEN: Place = {
  name: 'settings',
  code: 'usage',
  hint: 'docs/training.md lists the settings and their ranges.',
}

/**
 * Settles what a run trains with.
 * @throws GraftError `usage` for settings that are none, or contradict each other; `config` for a recipe that is none, with
 *   its file; `file-not-found` and what else reading it throws
 * @example
 * import { readBase, resolveSettings, shippedBase } from 'graft-lora/train'
 *
 * const base = await readBase(shippedBase())
 * const { settings, sources } = await resolveSettings({ base, given: { seed: 1 } })
 * console.log(settings.lora.rank, sources.rank) // 4, recipe
 */
export async function resolveSettings({ base, given, recipe }: ResolveOptions): Promise<ResolvedSettings> {
  const caller: Layer = { source: 'given', values: checkTrainSettings(given, GIVEN) }
  const path = recipeFile(recipe)
  const file = path === undefined ? undefined : await readRecipe(path)
  const ofBase = recipe === 'none' ? undefined : recipeOf(base)
  const method = caller.values.method ?? file?.values.method ?? ofBase?.values.method ?? 'lora'
  if (file?.values.method !== undefined && file.values.method !== method) {
    throw new GraftError('usage', `${recipe} is a recipe for method ${file.values.method}, not ${method}`, {
      hint: 'Leave the method out of the file, or train by the file’s.',
      value: method,
      ...(recipe !== undefined && { file: recipe }),
    })
  }
  const isUsed = (ofBase?.values.method ?? method) === method
  const layers = [isUsed ? ofBase : undefined, file, caller].filter((layer) => layer !== undefined)
  return {
    ...stack(method, layers),
    ...(!isUsed && ofBase?.values.method !== undefined && { unusedRecipe: ofBase.values.method }),
  }
}

/** The file that an option `recipe` names; `none` is none. */
export const recipeFile = (recipe: string | undefined): string | undefined => (recipe === 'none' ? undefined : recipe)

/** Settings of `pretrain`: the defaults where none is given. */
export const resolvePretrainSettings = (given: Record<string, unknown>): PretrainSettings => ({
  ...pretrainDefaults(),
  ...checkPretrainSettings(given, GIVEN),
})

/** Settings of `distill`: the defaults where none is given. */
export const resolveDistillSettings = (given: Record<string, unknown>): DistillSettings => ({
  ...distillDefaults(),
  ...checkDistillSettings(given, GIVEN),
})

const LENGTH = ['epochs', 'minSteps', 'maxSteps'] as const

function stack(method: TrainingMethod, layers: readonly Layer[]): ResolvedSettings {
  const defaults = flatDefaults(method)
  let values = defaults
  // Every setting has a source.
  let sources = Object.fromEntries(Object.keys(values).map((name) => [name, 'default'])) as ResolvedSettings['sources']
  for (const layer of layers) {
    // Who says how long training lasts means just that: what layers below say of steps would bend it.
    if (LENGTH.some((name) => layer.values[name] !== undefined)) {
      const { minSteps, maxSteps } = defaults
      values = { ...values, minSteps, maxSteps }
      sources = { ...sources, minSteps: 'default', maxSteps: 'default' }
    }
    values = { ...values, ...layer.values }
    sources = { ...sources, ...Object.fromEntries(Object.keys(layer.values).map((name) => [name, layer.source])) }
  }
  const { minSteps, maxSteps } = values
  if (maxSteps > 0 && minSteps > maxSteps) {
    throw new GraftError('usage', `at least ${minSteps} steps and at most ${maxSteps} cannot both be`, {
      hint: 'Give a minSteps of at most maxSteps.',
      value: minSteps,
    })
  }
  return { settings: nestSettings({ ...values, method }), sources }
}

async function readRecipe(file: string): Promise<Layer> {
  const hint = 'A recipe is a JSON object of settings; docs/training.md lists them and their ranges.'
  return { source: 'file', values: checkRecipe(await readJson(file, hint), { name: file, file, code: 'config', hint }) }
}

function recipeOf({ dir, info }: ResolveOptions['base']): Layer | undefined {
  if (info?.recipe === undefined) return undefined
  const file = join(dir, 'graft.json')
  const place: Place = { name: `${file}, recipe`, file, code: 'config', hint: 'Correct it, or use --recipe none.' }
  return { source: 'recipe', values: checkRecipe(info.recipe, place) }
}

/** A device belongs to a machine, and never to a recipe. */
function checkRecipe(recipe: unknown, place: Place): Partial<FlatTrainSettings> {
  const values = checkTrainSettings(recipe, place)
  if (values.device === undefined) return values
  throw new GraftError(place.code, `${place.name}: device is ${values.device}, and no recipe may set it`, {
    hint: 'Leave it out, and give --device.',
    value: values.device,
    ...(place.file !== undefined && { file: place.file }),
  })
}
