/** A row's values as text, and the columns that results get. */
import { GraftError } from '../errors.ts'
import { Json, type Row, type Value } from '../table.ts'

/** A value as it stands in a file of text: '' where there is none. */
export function toText(value: Value | undefined): string {
  if (!(value instanceof Json)) return value ?? ''
  return value.source === 'null' ? '' : value.source
}

/**
 * A text or a label of a row: '' where there is none. Numbers and booleans of JSON are taken as they are written.
 * @throws GraftError `data-row` for a list or an object
 */
export function textOf({ values, line }: Row, column: string, file: string): string {
  const value = values.get(column)
  if (!(value instanceof Json) || !/^[[{]/.test(value.source)) return toText(value)
  throw new GraftError('data-row', `${file}, line ${line}: "${column}" is ${value.source.slice(0, 60)}, not text`, {
    hint: 'Give each row a single text and a single label.',
    file,
    line,
    value: value.source,
  })
}

/** Names for columns that are added: those wanted, all with the same number behind where one of them is there already. */
export function addedColumns(wanted: readonly string[], there: Iterable<string>): string[] {
  const taken = new Set(there)
  for (let number = 1; ; number++) {
    const names = wanted.map((name) => (number === 1 ? name : `${name}_${number}`))
    if (!names.some((name) => taken.has(name))) return names
  }
}
