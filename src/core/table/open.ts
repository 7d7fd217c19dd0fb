/** Opens a table of any format: its layout and columns, and its rows as they are read. */
import { GraftError } from '../errors.ts'
import type { Layout, Row, Table, TableOptions, TableSource } from '../table.ts'
import { concatBytes, gunzip, peek, startsWith } from './bytes.ts'
import { readCsv } from './csv.ts'
import { detectLayout } from './layout.ts'
import { readJsonLines, readSms, readTabbed } from './lines.ts'
import { type Place, nameFields } from './rows.ts'
import { decodeText } from './text.ts'

/** Characters that are read to tell the layout. */
const HEAD = 2 ** 16

/**
 * Opens a table. Blank lines in it are passed over.
 * @throws GraftError `file-empty`, `file-format`, `file-encoding`, `file-binary`, `data-column` for a name that stands twice,
 *   `usage` for an option of no use; while rows are read, `data-row` too: each names the file, and the line
 * @example
 * const table = await openTable({ name: file.name, bytes: readStream(file.stream()) })
 * for await (const { line, values } of table.rows) console.log(line, values.get('text'))
 */
export async function openTable(source: TableSource, options: TableOptions = {}): Promise<Table> {
  const { name } = source
  const { head, all } = await peek(await unpack(source), 4, concatBytes)
  try {
    if (startsWith(head, ...PARQUET)) {
      const { openParquet } = await import('./parquet.ts')
      return await openParquet(name, all)
    }
    if (startsWith(head, ...ZIP)) throw isZip(name)
    return await openText(name, all, options)
  } catch (error) {
    await all.return(undefined)
    throw error
  }
}

const GZIP = [0x1f, 0x8b]
const PARQUET = [0x50, 0x41, 0x52, 0x31]
const ZIP = [0x50, 0x4b, 3, 4]

async function unpack({ name, bytes }: TableSource): Promise<AsyncIterable<Uint8Array>> {
  const { head, all } = await peek(bytes, 2, concatBytes)
  return startsWith(head, ...GZIP) ? gunzip(all, name) : all
}

async function openText(name: string, bytes: AsyncGenerator<Uint8Array>, options: TableOptions): Promise<Table> {
  const text = await decodeText(bytes, name, options.encoding)
  const { head, all } = await peek(text.blocks, HEAD, (blocks) => blocks.join(''))
  const close = async () => void (await all.return(undefined))
  if (head.trim() === '') throw emptyTable(name)
  const layout = detectLayout({ name, text: head, mark: text.mark }, options)
  const place = { ...layout, name }
  if (layout.format === 'jsonl') return openJsonLines(all, place, close)
  if (layout.format === 'sms') {
    return { name, layout, columns: ['label', 'text'], header: ['label', 'text'], rows: readSms(all, place), close }
  }
  return openSeparated(all, place, close)
}

async function openSeparated(blocks: AsyncIterable<string>, place: Place, close: Table['close']): Promise<Table> {
  const { name, preamble } = place
  const records = place.format === 'tsv' ? readTabbed(blocks, place) : readCsv(blocks, place)
  let first = await records.next()
  if (preamble !== '') first = await records.next()
  if (first.done) throw emptyTable(name)
  const header = first.value.fields
  const columns = header.map((column, at) => column.trim() || `column ${at + 1}`)
  const repeated = columns.find((column, at) => columns.indexOf(column) < at)
  if (repeated !== undefined) throw twice(name, repeated)
  return { name, layout: layoutOf(place), columns, header, rows: nameFields(records, columns, place), close }
}

async function openJsonLines(blocks: AsyncIterable<string>, place: Place, close: Table['close']): Promise<Table> {
  const rows = readJsonLines(blocks, place)
  const first = await rows.next()
  if (first.done) throw emptyTable(place.name)
  const columns = [...first.value.values.keys()]
  return {
    name: place.name,
    layout: layoutOf(place),
    columns,
    header: columns,
    rows: withFirst(first.value, rows),
    close,
  }
}

async function* withFirst(first: Row, others: AsyncGenerator<Row>): AsyncGenerator<Row> {
  yield first
  yield* others
}

const layoutOf = ({ format, delimiter, newline, mark, preamble }: Place): Layout => ({
  format,
  delimiter,
  newline,
  mark,
  preamble,
})

/** A table without rows. */
export const emptyTable = (name: string): GraftError =>
  new GraftError('file-empty', `${name} holds no rows`, { hint: 'Give a file with data.', file: name })

const twice = (name: string, column: string) =>
  new GraftError('data-column', `${name}: the header has the column "${column}" twice`, {
    hint: 'Give each column a name of its own.',
    file: name,
    value: column,
  })

const isZip = (name: string) =>
  new GraftError('file-binary', `${name} is a zip archive or an Excel file, not text`, {
    hint: 'Save the sheet as CSV in UTF-8, or unpack the archive.',
    file: name,
  })
