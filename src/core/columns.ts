/** Finds the columns that hold the text and the label. */
import { GraftError } from './errors.ts'

export interface ColumnOptions {
  /** Name of the text's column; the first known one (`text`, `message`, …) by default. */
  text?: string
  /** Name of the label's column; the first known one (`label`, `category`, …) by default. */
  label?: string
}

export interface Columns {
  text: string
  label: string | undefined
}

const textNames = ['text', 'sms', 'message', 'sentence', 'content', 'review', 'tweet', 'question', 'utterance', 'body']
const labelNames = ['label', 'labels', 'category', 'class', 'target', 'intent', 'sentiment', 'emotion']

const fold = (name: string) => name.trim().toLowerCase()

/** Whether a column's name is one that is found without being given. */
export const isKnownColumn = (name: string): boolean => [...textNames, ...labelNames].includes(fold(name))

/**
 * Chooses the columns of a file.
 * @param names the columns that there are
 * @returns no label where there is no known column for it and none was asked for
 * @throws GraftError `data-column`, naming the columns that there are
 */
export function chooseColumns(names: string[], options: ColumnOptions, path: string): Columns {
  const text = findColumn(names, options.text, textNames)
  const label = findColumn(names, options.label, labelNames)
  if (text === undefined) throw missingColumn('text', names, options.text, path)
  if (label === undefined && options.label !== undefined) throw missingColumn('label', names, options.label, path)
  return { text, label }
}

function findColumn(names: string[], asked: string | undefined, known: string[]): string | undefined {
  if (asked !== undefined) return names.find((name) => name === asked)
  return known.map((candidate) => names.find((name) => fold(name) === candidate)).find((name) => name !== undefined)
}

export function missingColumn(
  kind: 'text' | 'label',
  names: string[],
  asked: string | undefined,
  path: string,
): GraftError {
  const what = asked === undefined ? `no column is known to hold the ${kind}` : `there is no column "${asked}"`
  return new GraftError('data-column', `${path}: ${what}; the columns are ${names.join(', ')}`, {
    hint: `Name the column with --${kind}.`,
    file: path,
    value: asked,
  })
}

/** The name of an added column: one that is there already stays as it is, and the new one is `predicted_<name>`. */
export const resultColumn = (name: string, columns: readonly string[]): string =>
  columns.includes(name) ? `predicted_${name}` : name
