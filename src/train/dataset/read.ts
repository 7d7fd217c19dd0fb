/** Reads labelled or unlabelled texts from tables of any format. */
import { GraftError } from '../../core/errors.ts'
import { type ColumnOptions, missingColumn, textColumn } from '../../core/columns.ts'
import type { Row, Table, TableOptions, TableSource } from '../../core/table.ts'
import { emptyTable, openTable } from '../../core/table/open.ts'
import { textOf } from '../../core/table/values.ts'
import { tableFile } from '../../files/table-file.ts'
import type { Example, LabelledExample } from '../dataset.ts'
import { type LabelOptions, type LabelReader, labelReader } from './labels.ts'

export interface ReadOptions extends ColumnOptions, LabelOptions, Pick<TableOptions, 'delimiter' | 'encoding'> {
  /** Called instead of an error for a row without a text, which is passed over. */
  onBlank?: ((line: number) => void) | undefined
}

/** A file by its path, or what else a table is read from. */
export type TableInput = string | TableSource

/**
 * Streams the texts of a table, with their labels where it has any. Line breaks inside of texts become `\n`.
 * @throws GraftError `file-not-found`, `file-read`, `text-empty`, and what `openTable` throws, each naming file and line
 * @example
 * import { readExamples } from 'graft-lora/train'
 *
 * for await (const { text, line } of readExamples('messages.csv')) console.log(line, text)
 */
export async function* readExamples(input: TableInput, options: ReadOptions = {}): AsyncGenerator<Example> {
  let labels: LabelReader | undefined
  for await (const { row, text, table } of readTexts(input, options)) {
    labels ??= labelReader(table, options)
    yield { text, label: labels?.read(row), file: table.name, line: row.line }
  }
}

/**
 * Streams the texts of a table that has a label for each.
 * @throws GraftError as `readExamples`; `data-column` without a label column, `data-label` for an empty label
 * @example
 * import { readLabelledExamples } from 'graft-lora/train'
 *
 * for await (const { label, text } of readLabelledExamples('messages.csv')) console.log(label, text)
 */
export async function* readLabelledExamples(
  input: TableInput,
  options: ReadOptions = {},
): AsyncGenerator<LabelledExample> {
  let labels: LabelReader | undefined
  for await (const { row, text, table } of readTexts(input, options)) {
    const { name: file, columns } = table
    labels ??= labelReader(table, options)
    if (labels === undefined) throw missingColumn('label', columns, undefined, file)
    const label = labels.read(row)
    if (label === undefined) throw emptyLabel(labels.columns, file, row.line)
    yield { text, label, file, line: row.line }
  }
}

interface TextRow {
  row: Row
  text: string
  table: Table
}

/**
 * Streams the rows of a table whose texts alone matter.
 * @throws GraftError as `readExamples`, but for labels
 */
export async function* readTexts(input: TableInput, options: ReadOptions = {}): AsyncGenerator<TextRow> {
  const source = typeof input === 'string' ? tableFile(input) : input
  const { text: asked, label, labelColumns = [], delimiter, encoding, onBlank } = options
  const known = [asked, label, ...labelColumns].filter((name) => name !== undefined)
  const table = await openTable(source, { delimiter, encoding, known })
  try {
    const column = textColumn(table.columns, asked, table.name)
    let rows = 0
    for await (const row of table.rows) {
      rows++
      const text = textOf(row, column, table.name).replace(/\r\n?/g, '\n')
      if (text.trim() !== '') yield { row, text, table }
      else if (onBlank) onBlank(row.line)
      else throw emptyText(column, table.name, row.line)
    }
    if (rows === 0) throw emptyTable(table.name)
  } finally {
    await table.close()
  }
}

const emptyText = (column: string, file: string, line: number) =>
  new GraftError('text-empty', `${file}, line ${line}: no text in column "${column}"`, {
    hint: 'Fill in the text, or remove the row.',
    file,
    line,
  })

const emptyLabel = (column: string, file: string, line: number) =>
  new GraftError('data-label', `${file}, line ${line}: no label in column "${column}"`, {
    hint: 'Fill in the label, or remove the row.',
    file,
    line,
  })
