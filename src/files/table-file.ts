/** A file as the source of a table. */
import { createReadStream } from 'node:fs'
import type { TableSource } from '../core/table.ts'
import { readError } from './read.ts'

/** A file, or a named pipe. While it is read: GraftError `file-not-found`, `file-read`. */
export const tableFile = (path: string): TableSource => ({ name: path, bytes: readChunks(path) })

async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path) as AsyncIterable<Buffer>
  } catch (error) {
    throw readError(error, path)
  }
}
