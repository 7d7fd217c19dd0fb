/** Finds the columns that hold the text and the label. */
import { GraftError } from './errors.ts'

export interface ColumnOptions {
  /** Name of the text's column; the first known one (`text`, `message`, …) by default. */
  text?: string
  /** Name of the label's column; the first known one (`label`, `category`, …) by default. */
  label?: string
}

const textNames = ['text', 'sms', 'message', 'sentence', 'content', 'review', 'tweet', 'question', 'utterance', 'body']
const labelNames = ['label', 'labels', 'category', 'class', 'target', 'intent', 'sentiment', 'emotion']

const fold = (name: string) => name.trim().toLowerCase()

/** Whether a column's name is one that is found without being given. */
export const isKnownColumn = (name: string): boolean => [...textNames, ...labelNames].includes(fold(name))

/**
 * The column of the texts.
 * @param names the columns that there are
 * @param asked the one that the user named
 * @throws GraftError `data-column`, naming the columns that there are
 */
export function textColumn(names: readonly string[], asked: string | undefined, path: string): string {
  const column = findColumn(names, asked, textNames, { kind: 'text', path })
  if (column === undefined) throw missingColumn('text', names, asked, path)
  return column
}

/**
 * The column of the labels; undefined where there is no known one and none was asked for.
 * @throws GraftError `data-column`, naming the columns that there are
 */
export function labelColumn(names: readonly string[], asked: string | undefined, path: string): string | undefined {
  const column = findColumn(names, asked, labelNames, { kind: 'label', path })
  if (column === undefined && asked !== undefined) throw missingColumn('label', names, asked, path)
  return column
}

/** @throws GraftError `data-column` where two names differ in nothing but case */
function findColumn(
  names: readonly string[],
  asked: string | undefined,
  known: string[],
  { kind, path }: { kind: Kind; path: string },
): string | undefined {
  if (asked !== undefined) return names.find((name) => name === asked)
  for (const candidate of known) {
    const [found, other] = names.filter((name) => fold(name) === candidate)
    if (other !== undefined) throw ambiguous(kind, [found!, other], path) // the first is there too
    if (found !== undefined) return found
  }
  return undefined
}

type Kind = 'text' | 'label'

const ambiguous = (kind: Kind, [one, other]: [string, string], path: string) =>
  new GraftError('data-column', `${path}: both "${one}" and "${other}" may hold the ${kind}`, {
    hint: `Name the right one with --${kind}.`,
    file: path,
  })

/** A column that was asked for, or one for the text or the label, is not there. */
export function missingColumn(
  kind: Kind,
  names: readonly string[],
  asked: string | undefined,
  path: string,
): GraftError {
  const what = asked === undefined ? `no column is known to hold the ${kind}` : `there is no column "${asked}"`
  return new GraftError('data-column', `${path}: ${what}; the columns are ${names.join(', ')}`, {
    hint: columnHint(kind, names, asked),
    file: path,
    value: asked,
  })
}

function columnHint(kind: Kind, names: readonly string[], asked: string | undefined): string {
  const similar = names.find((name) => fold(name) === fold(asked ?? ''))
  if (similar !== undefined) return `Write --${kind} "${similar}", as the file has it.`
  const [only = ''] = names
  const [delimiter] = (names.length === 1 && /[|:;,~^]/.exec(only)) || []
  if (delimiter) return `If "${delimiter}" stands between the fields, say so with --delimiter "${delimiter}".`
  return `Name the column with --${kind}. If the first line names no columns, put a line such as text,label before it.`
}
