/** Formats rows for a file: JSON Lines or CSV. */
import { extname } from 'node:path'
import { stringify } from 'csv-stringify/sync'

export type Fields = Record<string, unknown>

/** Formats the next rows of a file. */
export type Printer = (rows: readonly Fields[]) => string

/** JSON Lines where the name says so, else CSV: columns of the first row, and a header before it. */
export function createPrinter(path: string): Printer {
  if (isJsonLines(path)) return (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  let columns: string[] | undefined
  return (rows) => {
    const header = columns === undefined
    columns ??= Object.keys(rows[0] ?? {})
    return stringify([...rows], { header, columns })
  }
}

const isJsonLines = (path: string) => ['.jsonl', '.ndjson'].includes(extname(path).toLowerCase())
