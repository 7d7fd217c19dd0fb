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
import type {
  ClassifiedTable,
  ClassifyTableRequest,
  LabelCount,
  RowProgress,
  TableInfo,
  TableRequest,
} from '../protocol.ts'

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

/**
 * Classifies texts in batches of similar lengths, each text once.
 * @param onProgress called with how many of the texts are known
 */
async function inBatches(
  texts: readonly string[],
  known: Map<string, Classification>,
  classify: (texts: string[]) => Promise<Classification[]>,
  onProgress: (done: number) => void,
): Promise<Classification[]> {
  const unknown = [...new Set(texts)].filter((text) => !known.has(text)).sort((a, b) => a.length - b.length)
  for (let start = 0; start < unknown.length; start += BATCH) {
    const batch = unknown.slice(start, start + BATCH)
    const results = await classify(batch)
    for (const [at, text] of batch.entries()) known.set(text, results[at]!) // one for each text
    onProgress(texts.length - Math.max(0, unknown.length - start - BATCH))
  }
  return texts.map((text) => known.get(text)!) // all are known now
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
  const job = {
    classifier,
    text,
    name: request.name,
    size: request.file.size,
    changed: request.file instanceof File ? request.file.lastModified : 0,
    adapters: adapters.join('\n'),
  }
  const last = takeStopped(job)
  const known = last?.known ?? choices.map(() => new Map<string, Classification>())
  let reached = last?.reached ?? 0
  /** Of work that goes on, rows that were done before are no news. */
  const report = (done: number) => {
    if (done <= reached) return
    reached = done
    onProgress({ done, total })
  }
  let finished = 0
  /** Of the rows that are worked on, how many are known by each choice. */
  const doneBy = choices.map(() => 0)
  const tasks = choices.map((adapter, choice): TableTask => {
    const classify = async (batch: string[]) => {
      await nextTask()
      if (signal.aborted) throw stopped()
      return classifier.classify(batch, { adapter })
    }
    const onBatch = (done: number) => {
      doneBy[choice] = done
      const share = doneBy.reduce((sum, each) => sum + each, 0) / choices.length
      report(finished + Math.round(share))
    }
    return {
      prefix: choices.length > 1 ? `${adapter}_` : '',
      ...classifier.task(adapter),
      classify: (texts) => inBatches(texts, known[choice]!, classify, onBatch), // one for each choice
    }
  })
  const onRows = ({ rows }: TableSummary) => {
    finished = rows
    doneBy.fill(0)
    report(rows)
  }
  const summary = createSummary(tasks)
  const parts: string[] = []
  try {
    // Defused, since a spreadsheet will open it.
    for await (const part of classifyRows(table, summary, { tasks, text, defuse: true, onRows })) parts.push(part)
  } catch (error) {
    if (signal.aborted) stoppedJob = { job, known, reached }
    throw error
  } finally {
    await table.close()
  }
  const { rows, blank, perLabel } = summary
  const file = new Blob(parts, { type: 'text/plain;charset=utf-8' })
  return { file, name: resultName(request.name, table.layout), rows, blank, counts: perLabel.map(sortCounts) }
}

/** What decides a result. */
interface Job {
  classifier: Classifier
  text: string | undefined
  name: string
  size: number
  changed: number
  adapters: string
}

interface StoppedJob {
  job: Job
  /** Results by text, for each adapter. */
  known: Map<string, Classification>[]
  /** Rows that were said to be done. */
  reached: number
}

/** The work that was stopped last: the same again goes on where it was. */
let stoppedJob: StoppedJob | undefined

function takeStopped(job: Job): StoppedJob | undefined {
  const last = stoppedJob
  stoppedJob = undefined
  const isSame = last && (Object.keys(job) as (keyof Job)[]).every((key) => last.job[key] === job[key])
  return isSame ? last : undefined
}

const stopped = () => new GraftError('interrupted', 'stopped', { hint: 'Classify it again to go on.' })

const sortCounts = (perLabel: Record<string, number>): LabelCount[] =>
  Object.entries(perLabel)
    .map(([label, rows]) => ({ label, rows }))
    .filter(({ rows }) => rows > 0)
    .sort((a, b) => b.rows - a.rows)
