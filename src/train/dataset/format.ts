/** Tells a data file's format from its name and its first line. */
import { extname } from 'node:path'
import { GraftError } from '../../core/errors.ts'
import { isKnownColumn } from '../../core/columns.ts'
import type { ColumnOptions } from '../../core/columns.ts'

/**
 * `csv`: RFC 4180 with a header. `tsv`: tab-separated with a header; as in the media type's registration, quotes mean nothing.
 * `jsonl`: one JSON object a line. `sms`: the SMS Spam Collection's `label<TAB>text`, without header or quoting.
 */
export type Format = 'csv' | 'tsv' | 'jsonl' | 'sms'

const byExtension: Record<string, Format> = { '.csv': 'csv', '.jsonl': 'jsonl', '.ndjson': 'jsonl' }

/**
 * The format of a file.
 * @throws GraftError `file-format` where neither its name nor its first line tells
 */
export function detectFormat(path: string, firstLine: string, columns: ColumnOptions): Format {
  const format = byExtension[extname(path).toLowerCase()] ?? detectFromLine(firstLine, columns)
  if (format) return format
  throw new GraftError(
    'file-format',
    `${path}: cannot tell the format from the first line "${firstLine.slice(0, 60)}"`,
    {
      hint:
        'Take CSV or TSV with a header line (such as label,text), JSON Lines (one object a line), ' +
        'or label<TAB>text lines without a header.',
      file: path,
    },
  )
}

function detectFromLine(line: string, { text, label }: ColumnOptions): Format | undefined {
  const isHeader = (separator: string) =>
    line.split(separator).some((name) => name === text || name === label || isKnownColumn(name))
  if (line.startsWith('{')) return 'jsonl'
  if (line.includes('\t')) return isHeader('\t') ? 'tsv' : 'sms'
  return isHeader(',') ? 'csv' : undefined
}
