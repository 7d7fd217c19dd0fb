/** Classifies a file row by row in constant memory: its columns are kept, `label` and `score` are added. */
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { resultColumn } from '../../core/columns.ts'
import { writeFileAtomic } from '../../files/atomic.ts'
import { readError } from '../../files/read.ts'
import type { Classification, Classifier } from '../../runtime/index.ts'
import { type TextRow, readTexts } from '../../train/dataset/read.ts'
import { type Fields, createPrinter } from './print.ts'

export interface ClassifyFileOptions {
  input: string
  /** File to write, `.csv` or `.jsonl`; stdout by default. */
  output?: string | undefined
  /** Column of the texts. */
  text?: string | undefined
  adapter?: string | undefined
  /** Add every label's probability as `score_<label>`. */
  all?: boolean | undefined
  signal: AbortSignal
  /** Called with the line of `input` that was reached. */
  onProgress: (line: number) => void
}

export interface FileSummary {
  rows: number
  /** Texts that were longer than the model takes. */
  truncated: number
  perLabel: Record<string, number>
}

/** Rows classified at a time: enough for batches of similar lengths. */
const CHUNK = 512

/**
 * Classifies all rows, or writes nothing.
 * @throws GraftError what `readTexts` and writing throw
 */
export async function classifyFile(classifier: Classifier, options: ClassifyFileOptions): Promise<FileSummary> {
  const { output, adapter } = options
  const labels = classifier.labels(adapter)
  const summary: FileSummary = {
    rows: 0,
    truncated: 0,
    perLabel: Object.fromEntries(labels.map((label) => [label, 0])),
  }
  const texts = classifyChunks(classifier, summary, options)
  if (output === undefined) await pipeline(Readable.from(texts), process.stdout, { end: false })
  else await writeFileAtomic(output, texts)
  return summary
}

async function* classifyChunks(
  classifier: Classifier,
  summary: FileSummary,
  { input, output, text, adapter, all, signal, onProgress }: ClassifyFileOptions,
): AsyncGenerator<string> {
  const print = createPrinter(output ?? input)
  for await (const rows of chunks(readTexts(input, { text }))) {
    signal.throwIfAborted()
    const results = await classifier.classify(
      rows.map((row) => row.text),
      { adapter },
    )
    yield print(rows.map(({ fields }, at) => addResult(fields, results[at]!, all))) // one for each row
    count(summary, results)
    onProgress(rows.at(-1)?.line ?? 0)
  }
}

async function* chunks(rows: AsyncIterable<TextRow>): AsyncGenerator<TextRow[]> {
  let chunk: TextRow[] = []
  for await (const row of rows) {
    chunk.push(row)
    if (chunk.length < CHUNK) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}

function addResult(fields: Fields, { label, score, scores }: Classification, all = false): Fields {
  const columns = Object.keys(fields)
  return {
    ...fields,
    [resultColumn('label', columns)]: label,
    [resultColumn('score', columns)]: score,
    ...(all && Object.fromEntries(scores.map((each) => [`score_${each.label}`, each.score]))),
  }
}

function count(summary: FileSummary, results: readonly Classification[]): void {
  summary.rows += results.length
  for (const { label, truncated } of results) {
    summary.perLabel[label] = (summary.perLabel[label] ?? 0) + 1
    if (truncated) summary.truncated++
  }
}

/** Number of lines of a file, for the progress bar. */
export async function countLines(path: string): Promise<number> {
  let lines = 1
  try {
    for await (const text of createReadStream(path, 'latin1') as AsyncIterable<string>) {
      lines += text.split('\n').length - 1
    }
  } catch (error) {
    throw readError(error, path)
  }
  return lines
}
