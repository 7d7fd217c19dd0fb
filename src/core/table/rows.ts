/** What readers of rows share: where they read, and what is wrong with a row. */
import { GraftError } from '../errors.ts'
import type { Layout, Row } from '../table.ts'

export interface Place extends Layout {
  name: string
}

/** The fields of a row, and the 1-based line at which it starts. */
export interface Record {
  fields: string[]
  line: number
}

/** Characters that a row may have: past it, it is a quote that is nowhere closed. */
export const MAX_ROW = 2 ** 26

const quoting = 'Fields that hold the delimiter, quotes or line breaks stand in quotes, quotes in them doubled.'

export const malformedRow = (name: string, line: number, problem: string, hint = `Correct the line. ${quoting}`) =>
  new GraftError('data-row', `${name}, line ${line}: ${problem}`, { hint, file: name, line })

export const tooLong = (name: string, line: number): GraftError =>
  malformedRow(name, line, `a row of more than ${MAX_ROW.toLocaleString('en-US')} characters: is a quote not closed?`)

const tabs = 'In TSV quotes mean nothing. Where this file quotes its fields, name it .csv.'

/**
 * Names the fields of a header's rows.
 * @throws GraftError `data-row` for a row with more or fewer fields than the header
 */
export async function* nameFields(
  records: AsyncIterable<Record>,
  columns: readonly string[],
  { name, format }: Place,
): AsyncGenerator<Row> {
  for await (const { fields, line } of records) {
    if (fields.length === columns.length) {
      yield { line, values: new Map(columns.map((column, at) => [column, fields[at]!])) } // as many
    } else if (fields.length > 1 || fields[0]?.trim() !== '') {
      const problem = `the row has ${fields.length} fields, the header ${columns.length}`
      throw malformedRow(name, line, problem, format === 'tsv' ? `Correct the line. ${tabs}` : undefined)
    }
  }
}
