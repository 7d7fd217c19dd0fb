/** Reads a row's label of a table: one cell, several names in one, or a column for each. */
import { GraftError } from '../../core/errors.ts'
import { labelColumn, missingColumn } from '../../core/columns.ts'
import type { LabelPlace } from '../../core/labels.ts'
import type { ProblemType } from '../../core/task.ts'
import { labelFormat } from '../../core/label-formats.ts'
import { Json, type Row, type Table } from '../../core/table.ts'
import { textOf, toText } from '../../core/table/values.ts'

/** Which kind of labels a table has, and how they stand in it. */
export interface LabelOptions {
  /** One label for each row, by default; several where one of the others is given. */
  problemType?: ProblemType | undefined
  /** Between the labels of a cell; without it, a cell is a list in JSON or one label. */
  labelSeparator?: string | undefined
  /** Columns of 0 and 1, or false and true, one for each label. */
  labelColumns?: readonly string[] | undefined
}

const MULTI_LABEL = 'multi_label_classification' satisfies ProblemType

/** @throws GraftError `usage` where a separator or columns are given for a task without several labels */
export function askedProblemType({ problemType, labelSeparator, labelColumns }: LabelOptions): ProblemType | undefined {
  if ((labelSeparator ?? labelColumns) === undefined) return problemType
  if (problemType === undefined || problemType === MULTI_LABEL) return MULTI_LABEL
  throw new GraftError('usage', `labels with a separator, or a column for each, are for ${MULTI_LABEL}`, {
    hint: 'Leave --problem-type out, or the separator and the columns.',
    value: problemType,
  })
}

/** How a table's labels are read. */
export interface LabelReader {
  /** What the labels are in, for errors: a column, or several. */
  columns: string
  /** A row's label; undefined where it has none. */
  read(row: Row): string | undefined
}

/**
 * Finds a table's labels.
 * @param asked the label's column, as the user named it
 * @returns undefined where no column is known to hold labels
 * @throws GraftError `usage`, `data-column`; the reader `data-label`, `data-row`, naming file and line
 */
export function labelReader(
  { columns, name: file }: Table,
  { label: asked, ...options }: LabelOptions & { label?: string | undefined },
): LabelReader | undefined {
  const format = labelFormat(askedProblemType(options))
  const { labelColumns, labelSeparator } = options
  if (labelColumns) {
    const missing = labelColumns.find((column) => !columns.includes(column))
    if (missing !== undefined) throw missingColumn('label', columns, missing, file)
    const read = (row: Row) =>
      format.read(
        labelColumns.filter((column) => isOn(row, column, file)),
        { file, line: row.line },
      )
    return { columns: labelColumns.join(', '), read }
  }
  const column = labelColumn(columns, asked, file)
  if (column === undefined) return undefined
  const readOne = (row: Row) => {
    const text = textOf(row, column, file).trim()
    return text === '' ? undefined : format.read(text, { file, line: row.line })
  }
  const readList = (row: Row) => {
    const value = row.values.get(column)
    const text = toText(value)
    const isDivided = labelSeparator !== undefined && !(value instanceof Json)
    return format.read(isDivided ? namesIn(text, labelSeparator) : text, { file, line: row.line })
  }
  return { columns: column, read: format.problemType === MULTI_LABEL ? readList : readOne }
}

const namesIn = (text: string, separator: string) =>
  text
    .split(separator)
    .map((name) => name.trim())
    .filter((name) => name !== '')

const SWITCHES = new Map([
  ['1', true],
  ['1.0', true],
  ['true', true],
  ['0', false],
  ['0.0', false],
  ['false', false],
])

function isOn(row: Row, column: string, file: string): boolean {
  const text = textOf(row, column, file).trim()
  const value = SWITCHES.get(text.toLowerCase())
  if (value !== undefined) return value
  throw notASwitch(text, column, { file, line: row.line })
}

const notASwitch = (text: string, column: string, { file, line }: LabelPlace) =>
  new GraftError('data-label', `${file}, line ${line}: "${column}" is ${JSON.stringify(text)}, neither 0 nor 1`, {
    hint: 'Give each row 1 (or true) in the columns of its labels, and 0 (or false) in the others.',
    file,
    line,
    value: text,
  })
