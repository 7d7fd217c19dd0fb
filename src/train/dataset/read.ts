/** Reads labelled or unlabelled texts from CSV, TSV, JSON Lines and the SMS Spam Collection's form. */
import { GraftError } from '../../core/errors.ts'
import type { Example, LabelledExample } from '../dataset.ts'
import { chooseColumns, missingColumn } from '../../core/columns.ts'
import type { ColumnOptions, Columns } from '../../core/columns.ts'
import type { Format } from './format.ts'
import { readRows } from './rows.ts'
import type { Row } from './rows.ts'

export interface ReadOptions extends ColumnOptions {
  /** Told from the file's name and first line where it isn't given. */
  format?: Format
}

/**
 * Streams the texts of a file, with their labels where it has any. Line breaks inside of texts become `\n`.
 * @throws GraftError `file-not-found`, `file-read`, `file-empty`, `file-binary`, `file-encoding`, `file-format`, `data-column`,
 *   `data-row`, `text-empty`, each naming file and line
 * @example
 * import { readExamples } from 'graft-lora/train'
 *
 * for await (const { text, line } of readExamples('messages.csv')) console.log(line, text)
 */
export async function* readExamples(path: string, options: ReadOptions = {}): AsyncGenerator<Example> {
  for await (const row of readTexts(path, options)) yield toExample(row, path)
}

/**
 * Streams the texts of a file that has a label for each.
 * @throws GraftError as `readExamples`; `data-column` without a label column, `data-label` for an empty label
 * @example
 * import { readLabelledExamples } from 'graft-lora/train'
 *
 * for await (const { label, text } of readLabelledExamples('messages.csv')) console.log(label, text)
 */
export async function* readLabelledExamples(path: string, options: ReadOptions = {}): AsyncGenerator<LabelledExample> {
  for await (const row of readTexts(path, options)) {
    const { fields, columns } = row
    if (columns.label === undefined) throw missingColumn('label', Object.keys(fields), undefined, path)
    const example = toExample(row, path)
    if (example.label === undefined) throw emptyLabel(columns.label, example)
    yield { ...example, label: example.label }
  }
}

/** A row of a file and the text in it. */
export interface TextRow extends Row {
  text: string
  columns: Columns
}

/**
 * Streams the rows of a file whose texts alone matter, such as one to classify.
 * @throws GraftError as `readExamples`, but for labels
 */
export async function* readTexts(path: string, options: ReadOptions = {}): AsyncGenerator<TextRow> {
  let columns: Columns | undefined
  for await (const row of readRows(path, options, options.format)) {
    columns ??= chooseColumns(Object.keys(row.fields), options, path)
    yield { ...row, text: textOf(row, columns.text, path), columns }
  }
  if (!columns) throw emptyFile(path)
}

function textOf({ fields, line }: Row, column: string, file: string): string {
  const text = fieldText(fields, column, { file, line }).replace(/\r\n?/g, '\n')
  if (text.trim() !== '') return text
  throw new GraftError('text-empty', `${file}, line ${line}: no text in column "${column}"`, {
    hint: 'Fill in the text, or remove the row.',
    file,
    line,
  })
}

function toExample({ text, fields, line, columns }: TextRow, file: string): Example {
  const label = columns.label === undefined ? '' : fieldText(fields, columns.label, { file, line }).trim()
  return { text, label: label === '' ? undefined : label, file, line }
}

/** A field's value as text: '' where there is none. JSON's numbers and booleans are taken as they are written. */
function fieldText(fields: Row['fields'], column: string, { file, line }: { file: string; line: number }): string {
  const value = Object.hasOwn(fields, column) ? fields[column] : undefined
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new GraftError(
    'data-row',
    `${file}, line ${line}: "${column}" is ${JSON.stringify(value).slice(0, 60)}, not text`,
    {
      hint: 'Give each row a single text and a single label.',
      file,
      line,
      value,
    },
  )
}

function emptyLabel(column: string, { file, line }: Example): GraftError {
  return new GraftError('data-label', `${file}, line ${line}: no label in column "${column}"`, {
    hint: 'Fill in the label, or remove the row.',
    file,
    line,
  })
}

function emptyFile(path: string): GraftError {
  return new GraftError('file-empty', `${path} holds no rows`, { hint: 'Give a file with data.', file: path })
}
