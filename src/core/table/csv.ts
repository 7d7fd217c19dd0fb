/** CSV records and the lines at which they start, from blocks of text of any size. */
import Papa from 'papaparse'
import { countLines } from './text.ts'
import { MAX_ROW, type Place, type Record, malformedRow, tooLong } from './rows.ts'

/**
 * @throws GraftError `data-row` for quotes that are not closed, or that text follows
 */
export async function* readCsv(blocks: AsyncIterable<string>, place: Place): AsyncGenerator<Record> {
  const reader = createReader(place)
  let text = ''
  let tried = 0
  for await (const block of blocks) {
    text += block
    // A cell of many blocks would be read from its start at each of them.
    if (text.length < 2 * tried) continue
    const { records, used } = reader(text, false)
    yield* records
    text = text.slice(used)
    tried = text.length
    if (tried > MAX_ROW) throw tooLong(place.name, reader.line())
  }
  yield* reader(text, true).records
}

/** Reads the whole records of a text that goes on where the last one was used up. */
function createReader({ name, delimiter, newline }: Place) {
  let line = 1
  const end = newline === '\r' ? '\r' : '\n'

  function read(text: string, isEnd: boolean): { records: Record[]; used: number } {
    const records: Record[] = []
    let used = 0
    const parser = new Papa.Parser({
      delimiter,
      newline: end,
      step({ data, errors: [error], meta }: Papa.ParseStepResult<string[][]>) {
        const source = text.slice(used, meta.cursor)
        used = meta.cursor
        if (error) throw malformedRow(name, line, describe(error.code))
        if (/[^\r\n]/.test(source)) records.push({ fields: withoutReturn(data[0] ?? [], source), line })
        line += countLines(source)
      },
    })
    parser.parse(text, 0, !isEnd)
    return { records, used }
  }

  return Object.assign(read, { line: () => line })
}

const describe = (code: string) =>
  code === 'MissingQuotes' ? 'a quoted field is not closed' : 'text follows the closing quote of a field'

/** The fields of a row that ends in `\r\n`, where the parser reads up to `\n`. A quoted field's own `\r` stays. */
function withoutReturn(fields: string[], source: string): string[] {
  const last = fields.at(-1) ?? ''
  const isEnd = source.endsWith('\r\n') && last.endsWith('\r') && source.endsWith(`${last}\n`)
  return isEnd ? [...fields.slice(0, -1), last.slice(0, -1)] : fields
}
