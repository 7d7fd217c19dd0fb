/** Classifies the rows of a table, and writes the table with its results. */
import type { Classification, Classifier } from '../../core/classifier.ts'
import { textColumn } from '../../core/columns.ts'
import { type ErrorCode, GraftError } from '../../core/errors.ts'
import type { Table } from '../../core/table.ts'
import {
  type TableSummary,
  type TableTask,
  classifyTable as classifyRows,
  createSummary,
} from '../../core/table/classify.ts'
import { emptyTable, openTable } from '../../core/table/open.ts'
import { readStream } from '../../core/table/stream.ts'
import { resultName } from '../../core/table/write.ts'
import type { ClassifiedTable, ClassifyTableRequest, RowProgress, TableInfo, TableRequest } from '../protocol.ts'

const open = ({ file, name }: TableRequest, text?: string): Promise<Table> =>
  openTable({ name, bytes: readStream(file.stream()) }, { known: text === undefined ? [] : [text] })

/** What to do where the command line has an option for it. */
const pageHints: Partial<Record<ErrorCode, string>> = {
  'file-encoding': 'Save the file as UTF-8, and choose it again.',
  'file-format': 'Give CSV, TSV, JSON Lines or Parquet. In CSV and TSV the first line names the columns.',
}

function forPage(error: unknown): unknown {
  const hint = error instanceof GraftError && error.hint.includes('--') ? pageHints[error.code] : undefined
  if (!(error instanceof GraftError) || hint === undefined) return error
  return new GraftError(error.code, error.message, { hint, file: error.file, line: error.line, cause: error })
}

/** Reads a table to its end: what is wrong in it is said before its rows are classified. */
const scan = (request: TableRequest, text?: string) =>
  readAll(request, text).catch((error: unknown) => {
    throw forPage(error)
  })

async function readAll(request: TableRequest, text?: string) {
  const table = await open(request, text)
  const columns = new Set(table.columns)
  let rows = 0
  for await (const row of table.rows) {
    rows++
    // A later row of JSON Lines may have columns that the first one has not.
    if (row.source !== undefined) for (const name of row.values.keys()) columns.add(name)
  }
  if (rows === 0) throw emptyTable(request.name)
  return { table, columns: [...columns], rows }
}

/** @throws GraftError what `openTable` throws, and `file-empty` */
export async function readTable(request: TableRequest): Promise<TableInfo> {
  const { columns, rows } = await scan(request)
  return { columns, rows, text: knownTextColumn(columns, request.name) }
}

function knownTextColumn(columns: string[], name: string): string | undefined {
  try {
    return textColumn(columns, undefined, name)
  } catch {
    return undefined
  }
}

interface Context {
  onProgress: (progress: RowProgress) => void
  signal: AbortSignal
}

/** Texts classified at a time: one batch, so that a text typed meanwhile waits for no more than that. */
const BATCH = 32

/** Lets messages in. */
const nextTask = () => new Promise((resolve) => setTimeout(resolve))

/** Classifies texts in batches of similar lengths, and calls before each. */
async function inBatches(
  texts: readonly string[],
  classify: (texts: string[]) => Promise<Classification[]>,
  before: () => Promise<void>,
): Promise<Classification[]> {
  const order = Array.from(texts.keys()).sort((a, b) => texts[a]!.length - texts[b]!.length) // indices into texts
  const results: Classification[] = []
  for (let start = 0; start < order.length; start += BATCH) {
    await before()
    const batch = order.slice(start, start + BATCH)
    const classified = await classify(batch.map((at) => texts[at]!)) // indices into texts
    for (const [index, at] of batch.entries()) results[at] = classified[index]! // one for each text
  }
  return results
}

/** @throws GraftError what `readTable` throws; `data-column`, `adapter-index`, `interrupted` */
export async function classifyTable(
  classifier: Classifier,
  { adapters, text, ...request }: ClassifyTableRequest,
  { onProgress, signal }: Context,
): Promise<ClassifiedTable> {
  const { columns, rows: total } = await scan(request, text)
  const table = { ...(await open(request, text)), columns }
  const choices = adapters.length > 0 ? adapters : [undefined]
  let done = 0
  const before = async () => {
    await nextTask()
    if (signal.aborted) throw stopped()
  }
  const tasks = choices.map((adapter): TableTask => {
    const classify = async (batch: string[]) => {
      const results = await classifier.classify(batch, { adapter })
      done += batch.length / choices.length
      onProgress({ done: Math.round(done), total })
      return results
    }
    return {
      prefix: choices.length > 1 ? `${adapter}_` : '',
      labels: classifier.labels(adapter),
      classify: (texts) => inBatches(texts, classify, before),
    }
  })
  const onRows = ({ rows }: TableSummary) => onProgress({ done: (done = rows), total })
  const summary = createSummary(tasks)
  const parts: string[] = []
  try {
    // Defused, since a spreadsheet will open it.
    for await (const part of classifyRows(table, summary, { tasks, text, defuse: true, onRows })) parts.push(part)
  } finally {
    await table.close()
  }
  const { rows, blank, perLabel } = summary
  const file = new Blob(parts, { type: 'text/plain;charset=utf-8' })
  return { file, name: resultName(request.name, table.layout), rows, blank, counts: perLabel }
}

const stopped = () => new GraftError('interrupted', 'stopped', { hint: 'Choose the file again to start over.' })
