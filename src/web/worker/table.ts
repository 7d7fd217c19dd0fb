/** Classifies the rows of a CSV or TSV file, and writes the table with its results. */
import { dsvFormat } from 'd3-dsv'
import type { Classification, Classifier } from '../../core/classifier.ts'
import { chooseColumns, resultColumn } from '../../core/columns.ts'
import { GraftError } from '../../core/errors.ts'
import type {
  ClassifiedTable,
  ClassifyTableRequest,
  LabelCount,
  RowProgress,
  TableInfo,
  TableRequest,
} from '../protocol.ts'

interface Table {
  columns: string[]
  rows: string[][]
}

const formatOf = (name: string) => dsvFormat(/\.(tsv|tab)$/i.test(name) ? '\t' : ',')

/** @throws GraftError `file-encoding`, `file-empty`, `data-row` */
async function parseTable({ file, name }: TableRequest): Promise<Table> {
  const text = new TextDecoder('utf-8', { fatal: true })
  let content = ''
  try {
    content = text.decode(await file.arrayBuffer())
  } catch (cause) {
    throw new GraftError('file-encoding', `${name} is not UTF-8`, {
      hint: 'Save it as CSV in UTF-8.',
      file: name,
      cause,
    })
  }
  const [columns = [], ...rows] = formatOf(name)
    .parseRows(content)
    .filter((row) => row.some((field) => field.trim() !== ''))
  if (rows.length === 0) {
    throw new GraftError('file-empty', `${name} holds no rows`, {
      hint: 'Give a CSV file with a header and rows.',
      file: name,
    })
  }
  const wrong = rows.findIndex((row) => row.length !== columns.length)
  if (wrong < 0) return { columns: columns.map((column) => column.trim()), rows }
  throw new GraftError(
    'data-row',
    `${name}, row ${wrong + 1}: the row has ${rows[wrong]?.length} fields, the header ${columns.length}`,
    { hint: 'Fields that hold commas, quotes or line breaks stand in quotes, quotes in them doubled.', file: name },
  )
}

/** @throws GraftError `file-encoding`, `file-empty`, `data-row` */
export async function readTable(request: TableRequest): Promise<TableInfo> {
  const { columns, rows } = await parseTable(request)
  return { columns, rows: rows.length, text: knownTextColumn(columns, request.name) }
}

function knownTextColumn(columns: string[], name: string): string | undefined {
  try {
    return chooseColumns(columns, {}, name).text
  } catch {
    return undefined
  }
}

interface Context {
  onProgress: (progress: RowProgress) => void
  signal: AbortSignal
}

/** Rows classified at a time: one batch, so that a text typed meanwhile waits for no more than that. */
const CHUNK = 32

/** Lets messages in. */
const nextTask = () => new Promise((resolve) => setTimeout(resolve))

/** @throws GraftError what `readTable` throws; `data-column`, `adapter-index`, `interrupted` */
export async function classifyTable(
  classifier: Classifier,
  { adapters, text, ...request }: ClassifyTableRequest,
  { onProgress, signal }: Context,
): Promise<ClassifiedTable> {
  const { columns, rows } = await parseTable(request)
  const column = columns.indexOf(chooseColumns(columns, text === undefined ? {} : { text }, request.name).text)
  const texts = rows.map((row) => row[column] ?? '')
  const choices = adapters.length > 0 ? adapters : [undefined]
  const job = {
    classifier,
    text,
    name: request.name,
    size: request.file.size,
    changed: request.file instanceof File ? request.file.lastModified : 0,
    adapters: adapters.join('\n'),
  }
  const { results, done } = takeStopped(job) ?? { results: choices.map((): Classification[] => []), done: 0 }
  // By length, so that a batch has little padding.
  const order = Array.from(texts.keys()).sort((a, b) => (texts[a]?.length ?? 0) - (texts[b]?.length ?? 0))
  for (let start = done; start < order.length; start += CHUNK) {
    const chunk = order.slice(start, start + CHUNK)
    for (const [choice, adapter] of choices.entries()) {
      const classified = await classifier.classify(
        chunk.map((row) => texts[row] ?? ''),
        { adapter },
      )
      for (const [at, row] of chunk.entries()) results[choice]![row] = classified[at]! // one of each choice, one of each row
    }
    onProgress({ done: start + chunk.length, total: order.length })
    await nextTask()
    if (!signal.aborted) continue
    stoppedJob = { job, results, done: start + CHUNK }
    throw stopped()
  }
  return {
    file: writeTable({ columns, rows }, results, adapters, request.name),
    rows: rows.length,
    counts: results.map(countLabels),
  }
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
  results: Classification[][]
  /** Rows that are done, in the order of work. */
  done: number
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

function writeTable(
  { columns, rows }: Table,
  results: Classification[][],
  adapters: readonly string[],
  name: string,
): Blob {
  const prefixes = adapters.length > 1 ? adapters.map((adapter) => `${adapter}_`) : ['']
  const added = prefixes.flatMap((prefix) =>
    ['label', 'score'].map((column) => resultColumn(`${prefix}${column}`, columns)),
  )
  const lines = rows.map((row, at) => [
    ...row,
    ...results.flatMap((each) => [each[at]?.label ?? '', each[at]?.score.toFixed(6) ?? '']),
  ])
  const format = formatOf(name)
  return new Blob([format.formatRows([[...columns, ...added], ...lines]), '\n'], { type: 'text/csv;charset=utf-8' })
}

function countLabels(results: readonly Classification[]): LabelCount[] {
  const counts = new Map<string, number>()
  for (const { label } of results) counts.set(label, (counts.get(label) ?? 0) + 1)
  return Array.from(counts, ([label, rows]) => ({ label, rows })).sort((a, b) => b.rows - a.rows)
}
