/** Tells how a table stands in its file: from the file's name, its first lines, and what the user said. */
import { isKnownColumn } from '../columns.ts'
import { GraftError } from '../errors.ts'
import type { Layout, TableFormat, TableOptions } from '../table.ts'

const byEnding: Record<string, TableFormat> = { csv: 'csv', tsv: 'tsv', tab: 'tsv', jsonl: 'jsonl', ndjson: 'jsonl' }

/** The format that a file's name tells, `.gz` put aside. */
export const formatOfName = (name: string): TableFormat | undefined => byEnding[endingOf(name)]

const endingOf = (name: string) => /\.(\w+)(?:\.gz)?$/i.exec(name)?.[1]?.toLowerCase() ?? ''

/** Delimiters that a header tells by itself; the first wins where two do as well. */
const DELIMITERS = [',', ';', '\t']

/** Names that users give to a delimiter that is hard to type. */
const named: Record<string, string> = { tab: '\t', '\\t': '\t', comma: ',', semicolon: ';', space: ' ' }

interface Head {
  name: string
  /** The first lines. */
  text: string
  mark: boolean
}

/**
 * The layout of a text file.
 * @throws GraftError `file-format` where neither its name nor its first line tells; `usage` for a delimiter of no use
 */
export function detectLayout({ name, text, mark }: Head, options: TableOptions): Layout {
  const newline = firstNewline(text)
  const [preamble = '', announced] = /^sep=([^\r\n])(?:\r\n|\n|\r)/i.exec(text) ?? []
  const lines = text.slice(preamble.length).split(newline)
  const header = lines.find((line) => line.trim() !== '') ?? ''
  const layout = (format: TableFormat, delimiter = ''): Layout => ({ format, delimiter, newline, mark, preamble })
  const given = options.delimiter === undefined ? announced : parseDelimiter(options.delimiter)
  const byName = formatOfName(name)
  if (byName === 'jsonl' || (byName === undefined && header.trimStart().startsWith('{'))) {
    if (options.delimiter !== undefined) throw needsNone(name)
    return layout('jsonl')
  }
  const found = countNames(header, given === undefined ? DELIMITERS : [given], options.known ?? [])
  const isTold = found.known > 0 || given !== undefined
  if (!isTold && byName !== 'csv' && repeatsLabel(header, lines)) return layout('sms', '\t')
  // A header of tabs that is not known is TSV too: the error about its names says which there are.
  const isPlain = byName === 'tsv' || (byName === undefined && preamble === '')
  if (found.delimiter === '\t' && isPlain) return layout('tsv', '\t')
  if (isTold || byName !== undefined) return layout('csv', found.delimiter)
  throw unknownFormat(name, header)
}

function firstNewline(text: string): Layout['newline'] {
  const [end = '\n'] = /\r\n|\n|\r/.exec(text) ?? []
  return end as Layout['newline']
}

/** @throws GraftError `usage` */
function parseDelimiter(given: string): string {
  const delimiter = named[given.toLowerCase()] ?? given
  if (delimiter.length === 1 && !/["\r\n\ufeff]/.test(delimiter)) return delimiter
  throw new GraftError('usage', `"${given}" cannot stand between fields`, {
    hint: 'Give one character, such as --delimiter ";", or tab.',
    value: given,
  })
}

/** The delimiter with which a header has the most names that are known, or else the most names. */
function countNames(header: string, delimiters: readonly string[], asked: readonly string[]) {
  const isKnown = (name: string) => asked.includes(name) || isKnownColumn(name)
  return delimiters
    .map((delimiter) => {
      const names = header.split(delimiter).map((name) =>
        name
          .trim()
          .replace(/^"(.*)"$/, '$1')
          .trim(),
      )
      return { delimiter, known: names.filter(isKnown).length, names: names.length }
    })
    .reduce((best, each) => ((each.known - best.known || each.names - best.names) > 0 ? each : best))
}

/** Whether the first line is `label<TAB>text` already: its label stands on another line too, which no column's name does. */
function repeatsLabel(first: string, lines: readonly string[]): boolean {
  const label = /^[^\t]*\t/.exec(first)?.[0]
  return label !== undefined && lines.filter((line) => line.startsWith(label)).length > 1
}

const needsNone = (name: string) =>
  new GraftError('usage', `${name} is JSON Lines: --delimiter is for CSV`, {
    hint: 'Leave --delimiter out.',
    file: name,
  })

function unknownFormat(name: string, header: string): GraftError {
  const problem = `${name}: cannot tell the format from the first line "${header.slice(0, 60)}"`
  return new GraftError('file-format', problem, { hint: formatHint(header.trimStart()), file: name })
}

function formatHint(header: string): string {
  if (header.startsWith('[')) return 'A JSON array is not read: write one object a line, as `jq -c ".[]"` does.'
  const [delimiter] = /[|~^]/.exec(header) ?? []
  if (delimiter !== undefined)
    return `If "${delimiter}" stands between the fields, say so with --delimiter "${delimiter}".`
  return (
    'Take CSV or TSV whose first line names the columns (such as label,text; other names by --text and --label), ' +
    'JSON Lines (one object a line), Parquet, or label<TAB>text lines without a header.'
  )
}
