/** Apache Parquet: columns and rows, row group by row group. The file is held in memory, its rows are not. */
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet'
import { GraftError } from '../errors.ts'
import { Json, type Row, type Table, type Value } from '../table.ts'
import { concatBytes } from './bytes.ts'

/** Rows that are made at a time. */
const CHUNK = 4096

/** What needs no further library. */
const PLAIN = ['UNCOMPRESSED', 'SNAPPY']

/** @throws GraftError `file-format` for what is damaged or cut off */
export async function openParquet(name: string, bytes: AsyncIterable<Uint8Array>): Promise<Table> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  const { buffer } = concatBytes(chunks)
  const file = buffer as ArrayBuffer // concatBytes makes no other
  const fail = (cause: unknown) => damaged(name, cause)
  const metadata = await parquetMetadataAsync(file).catch((error: unknown) => {
    throw fail(error)
  })
  const columns = parquetSchema(metadata).children.map(({ element }) => element.name)
  const codecs = metadata.row_groups.flatMap((group) => group.columns.map(({ meta_data: data }) => data?.codec))
  const isPlain = codecs.every((codec) => codec === undefined || PLAIN.includes(codec))
  const compressors = isPlain ? undefined : (await import('hyparquet-compressors')).compressors

  async function* rows(): AsyncGenerator<Row> {
    const total = Number(metadata.num_rows)
    for (let rowStart = 0; rowStart < total; rowStart += CHUNK) {
      const rowEnd = Math.min(total, rowStart + CHUNK)
      const objects = await parquetReadObjects({ file, metadata, rowStart, rowEnd, compressors }).catch(
        (error: unknown) => {
          throw fail(error)
        },
      )
      for (const [at, object] of objects.entries()) {
        yield { line: rowStart + at + 1, values: new Map(columns.map((column) => [column, toValue(object[column])])) }
      }
    }
  }

  const layout = { format: 'parquet', delimiter: '', newline: '\n', mark: false, preamble: '' } as const
  return { name, layout, columns, header: columns, rows: rows(), close: async () => {} }
}

/** Text as it is; dates as ISO 8601 says, and all else as JSON: whole numbers of 64 bits with all their digits. */
function toValue(value: unknown): Value {
  if (typeof value === 'string') return value
  if (value instanceof Date) return value.toISOString()
  return new Json(toJson(value))
}

function toJson(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Date) return JSON.stringify(value)
  if (ArrayBuffer.isView(value)) return toJson(Array.from(value as Uint8Array)) // a typed array of numbers or of bigints
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  return `{${Object.entries(value)
    .map(([key, each]) => `${JSON.stringify(key)}:${toJson(each)}`)
    .join(',')}}`
}

const damaged = (name: string, cause: unknown) =>
  new GraftError(
    'file-format',
    `${name} is not sound Parquet: ${cause instanceof Error ? cause.message : String(cause)}`,
    {
      hint: 'Make the file again, or export it as CSV.',
      file: name,
      cause,
    },
  )
