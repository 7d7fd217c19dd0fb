/** A table of a user's: rows with named columns, whichever format its file has. Implementations are in `table/`. */

/**
 * `csv`: RFC 4180 with a header. `tsv`: tab-separated with a header; as in the media type's registration, quotes mean nothing.
 * `jsonl`: one JSON object a line. `sms`: the SMS Spam Collection's `label<TAB>text`, without header or quoting.
 * `parquet`: Apache Parquet.
 */
export type TableFormat = 'csv' | 'tsv' | 'jsonl' | 'sms' | 'parquet'

/** Where a table's bytes come from: a file, a pipe, a Blob of a page. */
export interface TableSource {
  /** As the user named it. Its ending tells the format, and errors name it. */
  name: string
  bytes: AsyncIterable<Uint8Array>
}

export interface TableOptions {
  /** Between the fields of CSV; told from the header by default. */
  delimiter?: string | undefined
  /** Such as `windows-1252`; a byte order mark wins over it. UTF-8 by default. */
  encoding?: string | undefined
  /** Names of columns that the user gave: a first line that holds one of them is a header. */
  known?: readonly string[] | undefined
}

/** How a table stands in its file, so that another one can be written alike. */
export interface Layout {
  format: TableFormat
  /** Between fields, where the format has one. */
  delimiter: string
  /** Between rows. */
  newline: '\n' | '\r\n' | '\r'
  /** Whether the file begins with a byte order mark. */
  mark: boolean
  /** A `sep=;` line before the header, with its end. */
  preamble: string
}

/** A value that is no text: JSON as it is written in the file, so that no digit of it is lost. */
export class Json {
  constructor(readonly source: string) {}
}

export type Value = string | Json

export interface Row {
  /** 1-based line at which it starts; in Parquet, 1-based row. */
  line: number
  /** By column; a column that a row of JSON Lines does not have is not there. */
  values: ReadonlyMap<string, Value>
  /** A JSON Lines row as it stands in its file. */
  source?: string
}

export interface Table {
  name: string
  layout: Layout
  /** Names without white space at their ends; those of JSON Lines are the first row's. */
  columns: readonly string[]
  /** The names as the file has them. */
  header: readonly string[]
  /** To be read once. */
  rows: AsyncGenerator<Row>
  /** Closes the file; a reader of all rows need not. */
  close(): Promise<void>
}
