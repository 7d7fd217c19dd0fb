/** Classifies the rows of a file or of standard input, in constant memory. */
import { statSync } from 'node:fs'
import type { Table, TableOptions, TableSource } from '../../core/table.ts'
import { classifyTable, createSummary } from '../../core/table/classify.ts'
import { openTable } from '../../core/table/open.ts'
import type { Classifier } from '../../runtime/index.ts'
import { tableInput } from '../input.ts'
import { isStream, writeRows } from '../output.ts'

export interface ClassifyFileOptions extends Pick<TableOptions, 'delimiter' | 'encoding'> {
  /** `-` is standard input. */
  input: string
  /** File or pipe to write; stdout by default. */
  output?: string | undefined
  /** Column of the texts. */
  text?: string | undefined
  adapter?: string | undefined
  /** Add every label's probability as `score_<label>`. */
  all?: boolean | undefined
  signal: AbortSignal
  /** Called with the bytes of `input` that were read. */
  onProgress: (bytes: number) => void
}

export interface FileSummary {
  rows: number
  /** Rows without a text, which have no label. */
  blank: number
  /** Texts that were longer than the model takes. */
  truncated: number
  perLabel: Record<string, number>
}

/** The bytes of an ordinary file; undefined for what can be read but once, or is not there. */
export function fileSize(input: string): number | undefined {
  const entry = statSync(input, { throwIfNoEntry: false })
  return entry?.isFile() && input !== '/dev/stdin' ? entry.size : undefined
}

/**
 * Classifies all rows. A file is written whole or not at all.
 * @throws GraftError what `openTable`, `classifyTable` and writing throw
 */
export async function classifyFile(classifier: Classifier, options: ClassifyFileOptions): Promise<FileSummary> {
  const { input, output, text, adapter, all, signal, onProgress } = options
  const task = {
    labels: classifier.labels(adapter),
    problemType: classifier.task(adapter).problemType,
    classify: (texts: string[]) => classifier.classify(texts, { adapter }),
  }
  const summary = createSummary([task])
  let bytes = 0
  const source = counted(tableInput(input), (read) => (bytes += read))
  const table = await openWithColumns(source, options)
  const onRows = () => {
    onProgress(bytes)
    signal.throwIfAborted()
  }
  try {
    const name = isStream(output) ? undefined : output
    signal.throwIfAborted()
    await writeRows(output, classifyTable(table, summary, { tasks: [task], text, all, output: name, onRows }))
  } finally {
    await table.close()
  }
  const { rows, blank, truncated, perLabel } = summary
  return { rows, blank, truncated, perLabel: perLabel[0] ?? {} }
}

async function openWithColumns(source: TableSource, options: ClassifyFileOptions): Promise<Table> {
  const { input, delimiter, encoding, text } = options
  const tableOptions = { delimiter, encoding, known: text === undefined ? [] : [text] }
  const table = await openTable(source, tableOptions)
  if (table.layout.format !== 'jsonl' || fileSize(input) === undefined) return table
  // A later row of JSON Lines may have columns that the first one has not, and results must not take their names.
  const columns = new Set<string>()
  const { rows } = await openTable(tableInput(input), tableOptions)
  for await (const { values } of rows) for (const name of values.keys()) columns.add(name)
  return { ...table, columns: [...columns], header: [...columns] }
}

async function* countedBytes(bytes: TableSource['bytes'], onBytes: (count: number) => void) {
  for await (const chunk of bytes) {
    onBytes(chunk.length)
    yield chunk
  }
}

const counted = ({ name, bytes }: TableSource, onBytes: (count: number) => void): TableSource => ({
  name,
  bytes: countedBytes(bytes, onBytes),
})
