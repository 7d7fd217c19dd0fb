/** Where a command writes rows: a file, all or nothing, or a stream as they come. */
import { createWriteStream, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { writeFileAtomic } from '../files/atomic.ts'

/** Whether rows go to standard output: where there is no path, or `-`. */
export const isStdout = (path: string | undefined): path is undefined | '-' | '/dev/stdout' =>
  path === undefined || path === '-' || path === '/dev/stdout'

/** Whether a path is a pipe or a device, whose name tells no format. */
export function isStream(path: string | undefined): boolean {
  if (isStdout(path)) return true
  const entry = statSync(path, { throwIfNoEntry: false })
  return entry !== undefined && !entry.isFile() && !entry.isDirectory()
}

/** Whether rows can be written to a path: its name tells the format, or the input's is taken. */
export const isWritable = (path: string | undefined): boolean =>
  isStream(path) || /\.(csv|tsv|tab|jsonl|ndjson)$/i.test(path ?? '')

/**
 * Writes texts one after the other.
 * @throws GraftError `file-write` for a file
 */
export async function writeRows(path: string | undefined, texts: AsyncIterable<string>): Promise<void> {
  if (isStdout(path)) return pipeline(Readable.from(texts), process.stdout, { end: false })
  if (isStream(path)) return pipeline(Readable.from(texts), createWriteStream(path))
  return writeFileAtomic(path, texts)
}
