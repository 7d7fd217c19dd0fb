/** Options of the table of settings: one flag for each, checked and explained as the table says. */
import { relative } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { GraftError } from '../core/errors.ts'
import { shippedBase } from '../train/shipped-base.ts'
import { LORA_SETTINGS, METHOD_DEFAULTS, TRAIN_SETTINGS } from '../train/settings.ts'
import type { Setting, SettingGroup } from '../train/settings/setting.ts'
import { settingFlag, valueWords } from '../train/settings/words.ts'

/** Parsed options, of which some are settings. */
export type Options = Readonly<Record<string, unknown>>

/** A sweep's values where none are given: as many seeds as show how much chance makes. */
export const GRID_DEFAULTS = { seed: [1, 2, 3] }

const HEADINGS: Record<SettingGroup, string> = {
  method: 'Method:',
  adapter: 'Adapters (--method lora):',
  schedule: 'Schedule:',
  optimizer: 'Optimizer:',
  texts: 'Texts:',
  pretraining: 'Pretraining:',
  distillation: 'Distillation:',
  run: 'Options:',
}

/** `--device` is another option's: on the command line it may also be chosen. */
const optionSettings = <Settings extends Readonly<Record<string, Setting<unknown>>>>(table: Settings) =>
  Object.entries(table).filter(([name]) => name !== 'device')

function parseSetting(setting: Setting<unknown>, text: string): unknown {
  const value = setting.parse(text)
  if (setting.is(value)) return value
  if (setting.choices) throw new InvalidArgumentError(`Allowed choices are ${setting.choices.join(', ')}.`)
  throw new InvalidArgumentError(`Expected ${setting.expected}.`)
}

const parseEach = (setting: Setting<unknown>) => (text: string) =>
  text.split(',').map((part) => parseSetting(setting, part.trim()))

/** The default in words; commander is not told of it, so that an option that was not given is seen as such. */
function describeDefault(name: string, setting: Setting<unknown>, value = setting.default): string {
  const others = Object.entries(METHOD_DEFAULTS).flatMap(([method, values]) =>
    Object.entries(values).flatMap(([each, value]) => (each === name ? [`; ${value} with --method ${method}`] : [])),
  )
  return `default: ${valueWords(value as string)}${others.join('')}` // values of the table are texts, numbers or lists
}

function settingOption(name: string, setting: Setting<unknown>): Option {
  const choices = setting.choices ? `${setting.choices.join(', ')}; ` : ''
  const help = `${setting.help} (${choices}${describeDefault(name, setting)})`
  return new Option(`${settingFlag(name)} <${setting.placeholder}>`, help)
    .argParser((text) => parseSetting(setting, text))
    .helpGroup(HEADINGS[setting.group])
}

/** An option that takes several values, for a grid; names of layers have commas of their own. */
function gridOption(name: string, setting: Setting<unknown>): Option {
  const [values, hint] = name === 'targetModules' ? ['names...', 'choices with spaces'] : ['values', 'with commas']
  const choices = setting.choices ? `${setting.choices.join(', ')}; ` : ''
  const option = new Option(
    `${settingFlag(name)} <${values}>`,
    `${setting.help} (${hint}; ${choices}${describeDefault(name, setting, name === 'seed' ? GRID_DEFAULTS.seed : undefined)})`,
  ).helpGroup(HEADINGS[setting.group])
  if (name !== 'targetModules') return option.argParser(parseEach(setting))
  return option.argParser((text, earlier: unknown[] = []) => [...earlier, parseSetting(setting, text)])
}

/** Adds an option for every setting of a table. */
export const withSettings = (command: Command, table: Readonly<Record<string, Setting<unknown>>>): Command =>
  optionSettings(table).reduce((all, [name, setting]) => all.addOption(settingOption(name, setting)), command)

/** Adds an option of several values for every setting of `train`. */
export const withGridSettings = (command: Command): Command =>
  optionSettings(TRAIN_SETTINGS).reduce((all, [name, setting]) => all.addOption(gridOption(name, setting)), command)

/** Adds the options of all that trains on a base and a data set. */
export const withBaseOptions = (command: Command): Command =>
  command
    .option(
      '--base <dir>',
      'base folder: config.json and model.safetensors (default: the small one that ships with Graft)',
    )
    .requiredOption('--data <dir>', 'data set folder, as `graft data` writes it')
    .option(
      '--recipe <file>',
      "settings as JSON, over those that the base's graft.json recommends; none: the defaults alone",
    )

/** The base that was named, or the one that ships with Graft. */
export const baseFolder = (base: string | undefined): string => base ?? relative('', shippedBase())

/**
 * Those of the options that are settings and were given, by their names.
 * @throws GraftError `usage` for an adapter's setting where none is trained
 */
export function givenSettings(
  table: Readonly<Record<string, Setting<unknown>>>,
  options: Options,
): Record<string, unknown> {
  const given = Object.fromEntries(
    optionSettings(table).flatMap(([name]) => (options[name] === undefined ? [] : [[name, options[name]]])),
  )
  const name = Object.keys(given).find((each) => Object.hasOwn(LORA_SETTINGS, each))
  if (name !== undefined && [given['method']].flat().every((method) => method === 'full')) {
    throw new GraftError('usage', `${settingFlag(name)} is for adapters, and --method full trains none`, {
      hint: `Leave ${settingFlag(name)} out, or train with --method lora.`,
      value: given[name],
    })
  }
  return given
}
