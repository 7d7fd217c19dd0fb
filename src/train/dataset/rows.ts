/** Rows of a data file as named fields, whatever the format; files of any size are streamed. */
import { Readable, pipeline } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import type { Info } from 'csv-parse'
import { GraftError } from '../../core/errors.ts'
import { countLines, readBlocks } from './blocks.ts'
import type { Block } from './blocks.ts'
import type { ColumnOptions } from '../../core/columns.ts'
import { detectFormat } from './format.ts'
import type { Format } from './format.ts'

export interface Row {
  /** Values by column; strings, but for JSON Lines. */
  fields: Record<string, unknown>
  /** 1-based line at which the row starts. */
  line: number
}

/**
 * The rows of a file. Blank lines are passed over.
 * @param format told from the file where it isn't given
 * @throws GraftError `file-not-found`, `file-read`, `file-binary`, `file-encoding`, `file-format`; `data-row` for a malformed row
 */
export async function* readRows(path: string, columns: ColumnOptions, format?: Format): AsyncGenerator<Row> {
  const blocks = readBlocks(path)
  try {
    const first = await blocks.next()
    if (first.done) return
    const [firstLine = ''] = first.value.text.trimStart().split('\n', 1)
    yield* parsers[format ?? detectFormat(path, firstLine, columns)](prepend(first.value, blocks), path)
  } finally {
    await blocks.return(undefined) // closes the file, also where the reader stops early
  }
}

const parsers: Record<Format, (blocks: AsyncIterable<Block>, path: string) => AsyncGenerator<Row>> = {
  csv: (blocks, path) => readSeparated(blocks, path, { delimiter: ',', quote: '"' }),
  tsv: (blocks, path) => readSeparated(blocks, path, { delimiter: '\t', quote: null }),
  jsonl: (blocks, path) => readLines(blocks, path, parseJsonLine),
  sms: (blocks, path) => readLines(blocks, path, parseSmsLine),
}

async function* prepend(first: Block, others: AsyncIterable<Block>): AsyncGenerator<Block> {
  yield first
  yield* others
}

type Fields = Record<string, string>

async function* readSeparated(
  blocks: AsyncIterable<Block>,
  path: string,
  { delimiter, quote }: { delimiter: string; quote: string | null },
): AsyncGenerator<Row> {
  const columns = (names: string[]) => names.map((name) => name.trim())
  const parser = parse({ delimiter, quote, columns, info: true, record_delimiter: '\n', skip_empty_lines: true })
  // An error of the source comes out of the parser too: the iteration below throws it.
  pipeline(Readable.from(textsOf(blocks)), parser, () => {})
  let lastLine = 1
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: Fields; info: Info }>) {
      lastLine = info.lines
      yield { fields: record, line: lastLine - countLines(Object.values(record).join('')) }
    }
  } catch (error) {
    throw error instanceof CsvError ? malformedRow(path, csvErrorLine(error, lastLine), describeCsvError(error)) : error
  }
}

async function* textsOf(blocks: AsyncIterable<Block>): AsyncGenerator<string> {
  for await (const { text } of blocks) yield text
}

/** An unclosed quote is noticed at the end of the file only: name where its row starts. */
const csvErrorLine = (error: CsvError, lastLine: number): number =>
  error.code === 'CSV_QUOTE_NOT_CLOSED' ? lastLine + 1 : Number(error.lines)

function describeCsvError(error: CsvError): string {
  if (error.code === 'CSV_QUOTE_NOT_CLOSED') return 'a quoted field is not closed'
  if (error.code !== 'CSV_RECORD_INCONSISTENT_COLUMNS') return error.message
  const count = (value: unknown) => (Array.isArray(value) ? value.length : 0)
  return `the row has ${count(error.record)} fields, the header ${count(error.columns)}`
}

async function* readLines(
  blocks: AsyncIterable<Block>,
  path: string,
  parseLine: (text: string) => Record<string, unknown> | string,
): AsyncGenerator<Row> {
  for await (const { text, line } of blocks) {
    for (const [index, content] of text.split('\n').entries()) {
      if (content.trim() === '') continue
      const fields = parseLine(content)
      if (typeof fields === 'string') throw malformedRow(path, line + index, fields)
      yield { fields, line: line + index }
    }
  }
}

/** The fields of a line, or what is wrong with it. */
function parseSmsLine(line: string): Fields | string {
  const tab = line.indexOf('\t')
  return tab < 0 ? 'no tab between label and text' : { label: line.slice(0, tab), text: line.slice(tab + 1) }
}

/** The fields of a line, or what is wrong with it. */
function parseJsonLine(line: string): Record<string, unknown> | string {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : 'not a JSON object'
  } catch (error) {
    return `not JSON: ${error instanceof Error ? error.message : String(error)}`
  }
}

function malformedRow(path: string, line: number, problem: string): GraftError {
  return new GraftError('data-row', `${path}, line ${line}: ${problem}`, {
    hint: 'Correct the line. In CSV, fields that hold commas, quotes or line breaks stand in quotes, quotes in them doubled.',
    file: path,
    line,
  })
}
