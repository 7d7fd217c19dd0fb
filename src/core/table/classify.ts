/** Classifies a table row by row in constant memory: what it holds is kept, columns of results are added. */
import type { Classification } from '../classifier.ts'
import type { ProblemType } from '../task.ts'
import { textColumn } from '../columns.ts'
import type { Row, Table } from '../table.ts'
import { emptyTable } from './open.ts'
import { addedColumns, textOf, toText } from './values.ts'
import { type Result, type WriterOptions, createWriter, outputLayout } from './write.ts'

/** One of the classifications that each row gets. */
export interface TableTask {
  /** Before the names of its columns, where there are several. */
  prefix?: string | undefined
  /** Label names by id. */
  labels: readonly string[]
  /** One label for each text, by default. */
  problemType?: ProblemType | undefined
  classify(texts: string[]): Promise<Classification[]>
}

export interface ClassifyTableOptions extends WriterOptions {
  tasks: readonly TableTask[]
  /** Column of the texts; one with a usual name by default. */
  text?: string | undefined
  /** Add every label's probability as `score_<label>`. */
  all?: boolean | undefined
  /** The file to write, whose name tells the format; the input's by default. */
  output?: string | undefined
  /** Called after some rows, before the next. */
  onRows?: (summary: TableSummary) => void | Promise<void>
}

export interface TableSummary {
  rows: number
  /** Rows without a text, which get no label. */
  blank: number
  /** Texts that were longer than the model takes. */
  truncated: number
  /** Rows by label, for each task. */
  perLabel: Record<string, number>[]
}

/** Rows classified at a time: enough for batches of similar lengths. */
const CHUNK = 512
/** Fewer, where rows are this large together. */
const MAX_CHARACTERS = 2 ** 22

/** @param tasks whose labels are counted */
export const createSummary = (tasks: readonly Pick<TableTask, 'labels' | 'problemType'>[]): TableSummary => ({
  rows: 0,
  blank: 0,
  truncated: 0,
  perLabel: tasks.map(({ labels, problemType }) =>
    Object.fromEntries(problemType === 'regression' ? [] : labels.map((label) => [label, 0])),
  ),
})

/**
 * Classifies all rows.
 * @param summary where rows are counted as they come
 * @returns the table to write, in parts
 * @throws GraftError `data-column`, `file-empty`, and what reading, classifying and writing throw
 */
export async function* classifyTable(
  table: Table,
  summary: TableSummary,
  { tasks, text, all = false, output, onRows, ...options }: ClassifyTableOptions,
): AsyncGenerator<string> {
  const column = textColumn(table.columns, text, table.name)
  const wanted = tasks.flatMap((task) => columnsOf(task, all))
  const writer = createWriter(table, outputLayout(table.layout, output), addedColumns(wanted, table.columns), options)
  let before = writer.head()
  for await (const rows of chunks(table.rows)) {
    const texts = rows.map((row) => textOf(row, column, table.name).replace(/\r\n?/g, '\n'))
    const results = await classifyChunk(texts, tasks, summary)
    const lines = rows.map((row, at) =>
      writer.row(
        row,
        tasks.flatMap((task, of) => resultsOf(results[of]?.[at], task, all)),
      ),
    )
    yield before + lines.join('')
    before = ''
    await onRows?.(summary)
  }
  if (summary.rows === 0) throw emptyTable(table.name)
}

function columnsOf({ prefix = '', labels, problemType }: TableTask, all: boolean): string[] {
  if (problemType === 'regression') return [`${prefix}value`]
  const own = problemType === 'multi_label_classification' ? ['labels'] : ['label', 'score']
  return [...own, ...(all ? labels.map((label) => `score_${label}`) : [])].map((name) => `${prefix}${name}`)
}

/** Several labels are a list in JSON, as data sets have them. */
function resultsOf(result: Classification | undefined, { labels, problemType }: TableTask, all: boolean): Result[] {
  if (problemType === 'regression') return [result?.value ?? null]
  const own = problemType === 'multi_label_classification' ? [''] : ['', null]
  if (!result) return [...own, ...(all ? labels.map(() => null) : [])]
  const answer = result.labels ? [JSON.stringify(result.labels)] : [result.label, result.score]
  return [...answer, ...(all ? result.scores.map(({ score }) => score) : [])]
}

/** @returns by task, each text's result; none for a blank text */
async function classifyChunk(
  texts: readonly string[],
  tasks: readonly TableTask[],
  summary: TableSummary,
): Promise<(Classification | undefined)[][]> {
  const filled = Array.from(texts.keys()).filter((at) => texts[at]?.trim() !== '')
  summary.rows += texts.length
  summary.blank += texts.length - filled.length
  const all: (Classification | undefined)[][] = []
  for (const [of, task] of tasks.entries()) {
    const results = filled.length > 0 ? await task.classify(filled.map((at) => texts[at]!)) : [] // indices into texts
    const counts = summary.perLabel[of]! // one for each task
    for (const { label, labels = [label], value } of results)
      if (value === undefined) for (const name of labels) counts[name] = (counts[name] ?? 0) + 1
    if (of === 0) summary.truncated += results.filter(({ truncated }) => truncated).length
    const byRow: (Classification | undefined)[] = texts.map(() => undefined)
    for (const [index, at] of filled.entries()) byRow[at] = results[index]
    all.push(byRow)
  }
  return all
}

async function* chunks(rows: AsyncIterable<Row>): AsyncGenerator<Row[]> {
  let chunk: Row[] = []
  let characters = 0
  for await (const row of rows) {
    chunk.push(row)
    for (const value of row.values.values()) characters += toText(value).length
    if (chunk.length < CHUNK && characters < MAX_CHARACTERS) continue
    yield chunk
    chunk = []
    characters = 0
  }
  if (chunk.length > 0) yield chunk
}
