/** Options that several commands share, and parsers that turn their texts into values. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { DeviceName } from '../core/devices.ts'
import { TRAINING_DEVICES, deviceOption } from './device.ts'

/** The `--json` option of every command that has a result. */
export const jsonOption = (): Option =>
  new Option('--json', 'print the result as one JSON document on stdout; text for people goes to stderr')

/** The `--dtype` option of every command that writes a base. */
export const dtypeOption = (): Option =>
  new Option('--dtype <name>', 'how the weights are stored').choices(['float32', 'float16']).default('float32')

/** What `withCorpusOptions` adds, parsed. */
export interface CorpusFlags {
  corpus: string[]
  text?: string
  out: string
  dtype: 'float32' | 'float16'
}

/** Adds what every command takes that makes a base of texts without labels. */
export const withCorpusOptions = (command: Command): Command =>
  command
    .requiredOption(
      '--corpus <file...>',
      'plain text; of CSV, TSV and JSON Lines files the column of texts, without labels',
    )
    .requiredOption('--out <dir>', 'base folder to write')
    .option('--text <column>', 'column of the texts (default: text, message, … as found)')
    .addOption(dtypeOption())

/** Parses a finite number that passes `accept`. */
function parseNumber(text: string, expected: string, accept: (value: number) => boolean): number {
  const value = text.trim() === '' ? NaN : Number(text)
  if (!Number.isFinite(value) || !accept(value)) throw new InvalidArgumentError(`Expected ${expected}.`)
  return value
}

/** A whole number of 1 or more: `--epochs 3`. */
export const positiveInteger = (text: string): number =>
  parseNumber(text, 'a whole number of 1 or more', (value) => Number.isSafeInteger(value) && value >= 1)

/** A whole number of 0 or more: `--seed 0`. */
export const wholeNumber = (text: string): number =>
  parseNumber(text, 'a whole number of 0 or more', (value) => Number.isSafeInteger(value) && value >= 0)

/** A number above 0: `--learning-rate 5e-4`. */
export const positiveNumber = (text: string): number => parseNumber(text, 'a number above 0', (value) => value > 0)

/** A number from 0 to 1: `--dropout 0.1`. */
export const fraction = (text: string): number =>
  parseNumber(text, 'a number from 0 to 1', (value) => value >= 0 && value <= 1)

/** Names separated by commas: `--labels ham,spam`. */
export function list(text: string): string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.includes('')) throw new InvalidArgumentError('Expected names separated by single commas, such as a,b.')
  return names
}

/** Numbers from 0 to 1 separated by commas: `--split 0.7,0.1,0.2`. */
export const fractions = (text: string): number[] => list(text).map(fraction)

/** What `withRunOptions` adds, parsed. */
export interface RunFlags extends Readonly<Record<string, unknown>> {
  device: DeviceName | 'auto'
  threads?: number
  profile?: boolean
  resume?: boolean
  force?: boolean
  json?: boolean
}

/** Adds what every command that trains takes, whatever it trains. */
export const withRunOptions = (command: Command): Command =>
  command
    .addOption(deviceOption(TRAINING_DEVICES, 'auto'))
    .option('--threads <count>', 'threads of ONNX Runtime (default: all cores)', positiveInteger)
    .option('--profile', "show where the first steps' time goes, by operator")
    .option('--resume', 'go on with an interrupted run')
    .option('--force', 'replace the output folder')
    .addOption(jsonOption())
