/** Checks settings that come from a caller or a file: every name must be known, and every value in its range. */
import { type ErrorCode, GraftError } from '../../core/errors.ts'
import {
  DISTILL_SETTINGS,
  type DistillSettings,
  type FlatTrainSettings,
  LORA_SETTINGS,
  PRETRAIN_SETTINGS,
  type PretrainSettings,
  TRAIN_SETTINGS,
} from '../settings.ts'
import type { Setting } from './setting.ts'

/** Where settings stand, for errors. */
export interface Place {
  /** In front of a setting's name in messages: `runs/recipe.json`. */
  name: string
  code: ErrorCode
  hint: string
  file?: string
}

type Table = Readonly<Record<string, Setting<unknown>>>

const has = <Key extends string>(object: Readonly<Record<Key, unknown>>, name: string): name is Key =>
  Object.hasOwn(object, name)

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const fault = (problem: string, value: unknown, { name, hint, ...place }: Place) =>
  new GraftError(place.code, `${name}: ${problem}`, {
    hint,
    value,
    ...(place.file !== undefined && { file: place.file }),
  })

/** A value as a message shows it. */
const show = (value: unknown): string =>
  typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value))

/** Those of a table's settings that are given; undefined means not given. */
function checkTable(table: Table, input: Record<string, unknown>, path: string, place: Place): Record<string, unknown> {
  const given = Object.entries(input).filter(([, value]) => value !== undefined)
  for (const [name, value] of given) {
    if (!has(table, name)) {
      const elsewhere = path === '' ? has(LORA_SETTINGS, name) : has(TRAIN_SETTINGS, name)
      const hint = elsewhere
        ? `It belongs ${path === '' ? 'into' : 'beside'} "lora".`
        : `The settings here are ${Object.keys(table).join(', ')}.`
      throw fault(`unknown setting "${path}${name}", which is ${show(value)}`, value, { ...place, hint })
    }
    const setting = table[name]
    if (setting?.is(value)) continue
    throw fault(`${path}${name} is ${show(value)}, and must be ${setting?.expected}`, value, place)
  }
  return Object.fromEntries(given)
}

/**
 * Checks some settings of `train`.
 * @returns them by their flat names
 * @throws GraftError of the place's code, naming the setting and its value
 */
export function checkTrainSettings(input: unknown, place: Place): Partial<FlatTrainSettings> {
  if (!isRecord(input)) throw fault(`expected an object of settings, not ${show(input)}`, input, place)
  const { lora = {}, ...others } = input
  if (!isRecord(lora)) throw fault(`lora is ${show(lora)}, and must be an object of settings`, lora, place)
  const top = Object.entries(TRAIN_SETTINGS).filter(([name]) => !has(LORA_SETTINGS, name))
  return {
    ...checkTable(Object.fromEntries(top), others, '', place),
    ...checkTable(LORA_SETTINGS, lora, 'lora.', place),
  }
}

/**
 * Checks some settings of `pretrain`.
 * @throws GraftError of the place's code, naming the setting and its value
 */
export const checkPretrainSettings = (input: Record<string, unknown>, place: Place): Partial<PretrainSettings> =>
  checkTable(PRETRAIN_SETTINGS, input, '', place)

/**
 * Checks some settings of `distill`.
 * @throws GraftError of the place's code, naming the setting and its value
 */
export const checkDistillSettings = (input: Record<string, unknown>, place: Place): Partial<DistillSettings> =>
  checkTable(DISTILL_SETTINGS, input, '', place)
