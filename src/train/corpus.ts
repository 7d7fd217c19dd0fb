/** Text to pretrain on: files to documents, documents to token sequences of one length. */
import { basename, extname } from 'node:path'
import ranks from 'js-tiktoken/ranks/gpt2'
import { GraftError } from '../core/errors.ts'
import { createRandom } from '../core/random.ts'
import { createGpt2Tokenizer } from '../core/tokenizer/gpt2.ts'
import { sha256File } from '../files/hash.ts'
import { decodeText } from '../core/table/text.ts'
import { tableFile } from '../files/table-file.ts'
import type { ColumnOptions } from '../core/columns.ts'
import { readTexts } from './dataset/read.ts'

export interface CorpusFile {
  /** Without its folder. */
  name: string
  sha256: string
  /** Ends of documents included. */
  tokens: number
}

export interface Corpus {
  files: CorpusFile[]
  /** Token ids of each document, each ending in `<|endoftext|>`. */
  documents: number[][]
  /** The token that ends each. */
  endOfText: number
}

/** Extensions of files in which each row is a document; every other file is plain text, and one document. */
const TABLES = ['.csv', '.tsv', '.jsonl', '.ndjson', '.parquet']

/**
 * Reads plain text files, and the texts of CSV, TSV and JSON Lines files, their labels left out.
 * @param columns which column holds the text
 * @throws GraftError `file-not-found`, `file-read`, `file-empty`, `file-binary`, `file-encoding`, `data-column`, `data-row`, `text-empty`
 * @example
 * import { readCorpus } from 'graft-lora/train'
 *
 * const { files, documents } = await readCorpus(['messages.csv'])
 * console.log(files[0]?.tokens, documents.length)
 */
export async function readCorpus(paths: readonly string[], columns: Pick<ColumnOptions, 'text'> = {}): Promise<Corpus> {
  const tokenizer = createGpt2Tokenizer(ranks)
  const corpus: Corpus = { files: [], documents: [], endOfText: tokenizer.endOfText }
  for (const path of paths) {
    let tokens = 0
    for await (const text of documentsOf(path, columns)) {
      const ids = [...tokenizer.encode(text).ids, tokenizer.endOfText]
      corpus.documents.push(ids)
      tokens += ids.length
    }
    corpus.files.push({ name: basename(path), sha256: await sha256File(path), tokens })
  }
  return corpus
}

/** A file's documents as they are written. */
export interface DocumentFile {
  /** Without its folder. */
  name: string
  sha256: string
  texts: string[]
}

/**
 * Reads the texts of files as `readCorpus` does, and leaves them as they are.
 * @throws GraftError what `readCorpus` throws
 * @example
 * import { readDocuments } from 'graft-lora/train'
 *
 * const [file] = await readDocuments(['messages.csv'])
 * console.log(file?.texts.length)
 */
export async function readDocuments(
  paths: readonly string[],
  columns: Pick<ColumnOptions, 'text'> = {},
): Promise<DocumentFile[]> {
  const files: DocumentFile[] = []
  for (const path of paths) {
    const texts: string[] = []
    for await (const text of documentsOf(path, columns)) texts.push(text)
    files.push({ name: basename(path), sha256: await sha256File(path), texts })
  }
  return files
}

const documentsOf = (path: string, columns: Pick<ColumnOptions, 'text'>): AsyncGenerator<string> =>
  TABLES.includes(extname(path).toLowerCase()) ? rowTexts(path, columns) : wholeText(path)

async function* rowTexts(path: string, columns: Pick<ColumnOptions, 'text'>): AsyncGenerator<string> {
  for await (const { text } of readTexts(path, columns)) yield text
}

async function* wholeText(path: string): AsyncGenerator<string> {
  let whole = ''
  const { name, bytes } = tableFile(path)
  for await (const block of (await decodeText(bytes, name, undefined)).blocks) whole += block
  whole = whole.replaceAll('\r\n', '\n')
  if (whole.trim() === '') {
    throw new GraftError('file-empty', `${path} has no text`, { hint: 'Give a file with some text in it.', file: path })
  }
  yield whole
}

export interface SequenceOptions {
  /** Tokens that a sequence predicts; it holds one more, the last of which only the next sequence begins with. */
  length: number
  /** Share of the sequences for validation. */
  validation: number
  seed: number
}

/**
 * Lays the documents end to end in random order, cuts them into sequences, and sets some aside for validation. What is
 * left over at the end is dropped.
 * @throws GraftError `corpus` for fewer than two sequences
 */
export function packSequences(
  { documents }: Corpus,
  { length, validation, seed }: SequenceOptions,
): { train: number[][]; validation: number[][] } {
  const random = createRandom(seed).fork('corpus')
  const ids = random.shuffle(documents).flat()
  const count = Math.max(0, Math.floor((ids.length - 1) / length))
  const sequences = Array.from({ length: count }, (_, at) => ids.slice(at * length, (at + 1) * length + 1))
  if (count < 2) {
    throw new GraftError('corpus', `the corpus has ${ids.length} tokens, not enough for two sequences of ${length}`, {
      hint: 'Give more text, or a shorter --sequence-length.',
      value: ids.length,
    })
  }
  const held = Math.min(count - 1, Math.max(1, Math.round(validation * count)))
  const shuffled = random.shuffle(sequences)
  return { train: shuffled.slice(held), validation: shuffled.slice(0, held) }
}
