/** Rows that stand on one line each: TSV, JSON Lines and the SMS Spam Collection's form. */
import { Json, type Row, type Value } from '../table.ts'
import { MAX_ROW, type Place, type Record, malformedRow, tooLong } from './rows.ts'
import { membersOf } from './json.ts'

/** A line and its 1-based number. */
interface Line {
  text: string
  line: number
}

/** The lines of a text. */
async function* readLines(blocks: AsyncIterable<string>, { name, newline }: Place): AsyncGenerator<Line> {
  const end = newline === '\r' ? '\r' : '\n'
  let line = 0
  let rest: string[] = []
  let length = 0
  for await (const block of blocks) {
    const [first = '', ...others] = block.split(end)
    rest.push(first)
    length += first.length
    if (length > MAX_ROW) throw tooLong(name, line + 1)
    for (const other of others) {
      yield { text: rest.join(''), line: ++line }
      rest = [other]
      length = other.length
    }
  }
  yield { text: rest.join(''), line: ++line }
}

const trimEnd = (text: string) => (text.endsWith('\r') ? text.slice(0, -1) : text)

/** Fields between tabs, without quoting; the header is the first of them. */
export async function* readTabbed(blocks: AsyncIterable<string>, place: Place): AsyncGenerator<Record> {
  for await (const { text, line } of readLines(blocks, place)) {
    const content = trimEnd(text)
    if (content !== '') yield { fields: content.split('\t'), line }
  }
}

/** @throws GraftError `data-row` for a line without a tab */
export async function* readSms(blocks: AsyncIterable<string>, place: Place): AsyncGenerator<Row> {
  for await (const { text, line } of readLines(blocks, place)) {
    if (text.trim() === '') continue
    const tab = text.indexOf('\t')
    if (tab < 0)
      throw malformedRow(place.name, line, 'no tab between label and text', 'Write the line as label<TAB>text.')
    yield {
      line,
      values: new Map([
        ['label', text.slice(0, tab)],
        ['text', trimEnd(text.slice(tab + 1))],
      ]),
    }
  }
}

/** @throws GraftError `data-row` for what is no JSON object, or has a name twice */
export async function* readJsonLines(blocks: AsyncIterable<string>, place: Place): AsyncGenerator<Row> {
  for await (const { text, line } of readLines(blocks, place)) {
    const source = text.trim()
    if (source === '') continue
    const problem = checkObject(source)
    if (problem)
      throw malformedRow(place.name, line, problem, 'Write each row as one JSON object on a line of its own.')
    const values = new Map<string, Value>()
    for (const [key, value] of membersOf(source)) {
      if (values.has(key)) throw malformedRow(place.name, line, `the row has "${key}" twice`, 'Give each column once.')
      values.set(key, value.startsWith('"') ? String(JSON.parse(value)) : new Json(value))
    }
    yield { line, values, source }
  }
}

function checkObject(source: string): string | undefined {
  try {
    const value: unknown = JSON.parse(source)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'not a JSON object'
  } catch (error) {
    return `not JSON: ${error instanceof Error ? error.message : String(error)}`
  }
}
