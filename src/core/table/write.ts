/** Writes tables: what came in goes out as it was, with columns of results added. */
import Papa from 'papaparse'
import { GraftError } from '../errors.ts'
import { Json, type Layout, type Row, type Table, type Value } from '../table.ts'
import { formatOfName } from './layout.ts'
import { toText } from './values.ts'

/** Formats that can be written. */
type Written = Layout & { format: 'csv' | 'tsv' | 'jsonl' }

/**
 * The layout for a file of this name; without one that tells, what is nearest to the input's.
 * @param name undefined for a pipe
 */
export function outputLayout(input: Layout, name?: string): Written {
  const format = name === undefined ? undefined : formatOfName(name)
  const { format: own, delimiter, newline, mark, preamble } = input
  switch (format ?? own) {
    case 'jsonl':
    case 'parquet':
      return { format: 'jsonl', delimiter: '', newline, mark, preamble: '' }
    case 'tsv':
      return { format: 'tsv', delimiter: '\t', newline, mark, preamble: own === 'tsv' ? preamble : '' }
    default:
      return own === 'csv'
        ? { format: 'csv', delimiter, newline, mark, preamble }
        : { format: 'csv', delimiter: ',', newline, mark, preamble: '' }
  }
}

/** A name for the table with its results: `reviews.csv.gz` → `reviews-classified.csv` */
export const resultName = (name: string, input: Layout): string =>
  `${name.replace(/\.gz$/i, '').replace(/\.(csv|tsv|tab|txt|jsonl|ndjson|parquet)$/i, '')}-classified.${outputLayout(input).format}`

export interface WriterOptions {
  /** Puts `'` before cells that a spreadsheet would run as formulas; numbers are none. */
  defuse?: boolean | undefined
}

/** A value of an added column; null is none. */
export type Result = string | number | null

export interface TableWriter {
  /** What comes before the rows. */
  head(): string
  /** @param results of the added columns */
  row(row: Row, results: readonly Result[]): string
}

/** What spreadsheets take for a formula, full-width signs too (OWASP, CSV injection); `-1.5` and `+4` are numbers. */
const formula = /^(?![+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$)[=+\-@\t\r\n＝＋－＠]/i

/**
 * Writes rows in a layout.
 * @param table whose columns are kept
 * @param added names of the columns that follow
 * @throws GraftError `data-row` for a row with a further column, or a value that the format cannot hold
 */
export function createWriter(
  table: Pick<Table, 'name' | 'columns' | 'header'>,
  layout: Written,
  added: readonly string[],
  { defuse = false }: WriterOptions = {},
): TableWriter {
  const { format, delimiter, newline, mark, preamble } = layout
  const { name, columns, header } = table
  const start = mark ? '\ufeff' : ''
  if (format === 'jsonl') {
    return { head: () => start, row: (row, results) => jsonRow(row, added, results, name) + newline }
  }
  const safe = (field: string) => (defuse && formula.test(field) ? `'${field}` : field)
  const line = (fields: string[], row?: Row) =>
    (format === 'tsv'
      ? tabbed(fields.map(safe), name, row?.line)
      : Papa.unparse([fields.map(safe)], { delimiter, newline })) + newline
  return {
    head: () => start + preamble + line([...header, ...added]),
    row(row, results) {
      if (row.source !== undefined) checkColumns(row, columns, name)
      const kept = columns.map((column) => toText(row.values.get(column)))
      return line([...kept, ...results.map((result) => String(result ?? ''))], row)
    },
  }
}

/** The row as it stands in its file, with the results behind. */
function jsonRow({ values, source, line }: Row, added: readonly string[], results: readonly Result[], file: string) {
  const taken = added.find((name) => values.has(name))
  if (taken !== undefined) throw furtherColumn(file, line, taken)
  const members = added.map((name, at) => `${JSON.stringify(name)}: ${JSON.stringify(results[at] ?? null)}`)
  const kept =
    source?.slice(1, -1).trim() ??
    Array.from(values, ([name, value]) => `${JSON.stringify(name)}: ${toJson(value)}`).join(', ')
  return `{${[kept, ...members].filter((part) => part !== '').join(', ')}}`
}

const toJson = (value: Value) => (value instanceof Json ? value.source : JSON.stringify(value))

function checkColumns({ values, line }: Row, columns: readonly string[], file: string): void {
  const further = [...values.keys()].find((name) => !columns.includes(name))
  if (further !== undefined) throw furtherColumn(file, line, further)
}

const furtherColumn = (file: string, line: number, column: string) =>
  new GraftError(
    'data-row',
    `${file}, line ${line}: the column "${column}" is new, and the output's columns are written already`,
    {
      hint: 'Give the file itself, not a pipe: its columns are looked up first.',
      file,
      line,
      value: column,
    },
  )

/** @throws GraftError `data-row` for what cannot stand between tabs, since TSV has no quoting */
function tabbed(fields: readonly string[], file: string, line: number | undefined): string {
  const at = fields.findIndex((field) => /[\t\r\n]/.test(field))
  if (at < 0) return fields.join('\t')
  const place = line === undefined ? file : `${file}, line ${line}`
  throw new GraftError('data-row', `${place}: field ${at + 1} holds a tab or a line break, which TSV cannot`, {
    hint: 'Write CSV or JSON Lines instead.',
    file,
    line,
    value: fields[at],
  })
}
