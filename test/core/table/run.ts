/** Runs a case of the suite: reads a table, writes it again, and tells all of it as plain data, so that a page can run it too. */
import type { Classification } from '../../../src/core/classifier.ts'
import { textColumn } from '../../../src/core/columns.ts'
import { GraftError } from '../../../src/core/errors.ts'
import { Json, type TableOptions } from '../../../src/core/table.ts'
import { classifyTable, createSummary } from '../../../src/core/table/classify.ts'
import { openTable } from '../../../src/core/table/open.ts'

export interface Input {
  name: string
  /** Text, which is written in UTF-8; or bytes. */
  content: string | number[]
  /** Bytes that the source gives at a time; all by default. */
  chunk?: number | undefined
  options?: TableOptions | undefined
  /** Column of the texts. */
  text?: string | undefined
  output?: string | undefined
  defuse?: boolean | undefined
}

export interface Outcome {
  columns?: string[]
  text?: string
  /** Lines and values; values that are no text as `{ json }`. */
  rows?: [line: number, ...values: (string | { json: string } | undefined)[]][]
  /** The table with its results; every text's label is `L` and its score .5. */
  written?: string
  blank?: number
  error?: { code: string; message: string; hint: string; line?: number }
}

async function* chunksOf({ content, chunk }: Input): AsyncGenerator<Uint8Array> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : Uint8Array.from(content)
  const size = chunk ?? Math.max(1, bytes.length)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const open = (input: Input) =>
  openTable(
    { name: input.name, bytes: chunksOf(input) },
    { ...input.options, known: input.text === undefined ? [] : [input.text] },
  )

const labelled: Classification = {
  label: 'L',
  score: 0.5,
  scores: [{ label: 'L', score: 0.5 }],
  tokens: 1,
  truncated: false,
}

export async function runCase(input: Input): Promise<Outcome> {
  try {
    const table = await open(input)
    const columns = [...table.columns]
    const rows: Outcome['rows'] = []
    for await (const { line, values } of table.rows) {
      const keys = [...columns, ...[...values.keys()].filter((key) => !columns.includes(key))]
      rows.push([line, ...keys.map((key) => plain(values.get(key)))])
    }
    const text = textColumn(columns, input.text, input.name)
    return { columns, text, rows, ...(await write(input)) }
  } catch (error) {
    if (!(error instanceof GraftError)) throw error
    const { code, message, hint, line } = error
    return { error: { code, message, hint, ...(line === undefined ? {} : { line }) } }
  }
}

const plain = (value: string | Json | undefined) => (value instanceof Json ? { json: value.source } : value)

async function write(input: Input): Promise<Pick<Outcome, 'written' | 'blank'>> {
  const task = { labels: ['L'], classify: async (texts: string[]) => texts.map(() => labelled) }
  const summary = createSummary([task])
  const { text, output, defuse } = input
  let written = ''
  const parts = classifyTable(await open(input), summary, { tasks: [task], text, output, defuse })
  for await (const part of parts) written += part
  return { written, blank: summary.blank }
}
