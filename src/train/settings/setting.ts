/** One setting: its kind and range, its default and what it is for; every place that takes its value checks it here. */
import type { TargetModules } from '../../core/lora.ts'

/** What a setting belongs to: the heading that it stands under in help and documentation. */
export type SettingGroup =
  | 'method'
  | 'adapter'
  | 'schedule'
  | 'optimizer'
  | 'texts'
  | 'pretraining'
  | 'distillation'
  | 'run'

export interface Setting<Value> {
  default: Value
  group: SettingGroup
  help: string
  /** What a value is called in the help: `<rate>`. */
  placeholder: string
  /** The values that there are, in words: "a whole number of 1 or more". */
  expected: string
  /** The values that there are, where they can be counted. */
  choices?: readonly string[]
  is(value: unknown): value is Value
  /** A value as a person writes it, unchecked. */
  parse(text: string): unknown
}

/** What is the same for settings of every kind. */
type About<Value> = Pick<Setting<Value>, 'default' | 'group' | 'help' | 'placeholder'>

const parseNumber = (text: string): number => (text.trim() === '' ? NaN : Number(text))

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

/** A whole number of `min` or more. */
export const integer = ({ min, ...about }: About<number> & { min: number }): Setting<number> => ({
  ...about,
  expected: `a whole number of ${min} or more`,
  is: (value): value is number => isNumber(value) && Number.isSafeInteger(value) && value >= min,
  parse: parseNumber,
})

/** A number above 0. */
export const positive = (about: About<number>): Setting<number> => ({
  ...about,
  expected: 'a number above 0',
  is: (value): value is number => isNumber(value) && value > 0,
  parse: parseNumber,
})

/** A number of 0 or more. */
export const nonNegative = (about: About<number>): Setting<number> => ({
  ...about,
  expected: 'a number of 0 or more',
  is: (value): value is number => isNumber(value) && value >= 0,
  parse: parseNumber,
})

/** A number from 0 to 1, both included. */
export const share = (about: About<number>): Setting<number> => ({
  ...about,
  expected: 'a number from 0 to 1',
  is: (value): value is number => isNumber(value) && value >= 0 && value <= 1,
  parse: parseNumber,
})

/** A number of 0 or more and below 1: what is left out of something that may not vanish. */
export const rate = (about: About<number>): Setting<number> => ({
  ...about,
  expected: 'a number of 0 or more, below 1',
  is: (value): value is number => isNumber(value) && value >= 0 && value < 1,
  parse: parseNumber,
})

/** One of a few names. */
export const choice = <const Name extends string>(
  choices: readonly Name[],
  about: Omit<About<Name>, 'placeholder'>,
): Setting<Name> => ({
  ...about,
  placeholder: 'name',
  expected: `one of ${choices.join(', ')}`,
  choices,
  is: (value): value is Name => choices.some((name) => name === value),
  parse: (text) => text,
})

/** Layers: `all-linear`, a list of names, or a regular expression for whole names. */
export const targets = (about: Omit<About<TargetModules>, 'placeholder'>): Setting<TargetModules> => ({
  ...about,
  placeholder: 'names',
  expected: 'all-linear, layer names with commas, or a regular expression',
  is: (value): value is TargetModules =>
    Array.isArray(value) ? value.length > 0 && value.every(isName) : isName(value),
  parse: (text) =>
    text === 'all-linear' || !/^[\w.,\s]+$/.test(text) ? text : text.split(',').map((name) => name.trim()),
})

const isName = (value: unknown): value is string => typeof value === 'string' && value.trim() !== ''
