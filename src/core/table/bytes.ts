/** A stream's first bytes looked at, and what gzip packed unpacked. */
import { GraftError } from '../errors.ts'
import { readStream } from './stream.ts'

/** A stream whose start was looked at. */
export interface Peeked<Chunk> {
  /** Of the length asked for, unless the stream is shorter. */
  head: Chunk
  /** The whole stream, its start too. */
  all: AsyncGenerator<Chunk>
}

/**
 * Reads the start of a stream.
 * @param join puts chunks together
 */
export async function peek<Chunk extends { length: number }>(
  stream: AsyncIterable<Chunk>,
  length: number,
  join: (chunks: Chunk[]) => Chunk,
): Promise<Peeked<Chunk>> {
  const iterator = stream[Symbol.asyncIterator]()
  const chunks: Chunk[] = []
  for (let read = 0; read < length;) {
    const { done, value } = await iterator.next()
    if (done) break
    chunks.push(value)
    read += value.length
  }
  const head = join(chunks)
  return { head, all: resume(head, iterator) }
}

async function* resume<Chunk extends { length: number }>(head: Chunk, iterator: AsyncIterator<Chunk>) {
  try {
    if (head.length > 0) yield head
    for (;;) {
      const { done, value } = await iterator.next()
      if (done) return
      yield value
    }
  } finally {
    await iterator.return?.() // closes the file, also where the reader stops early
  }
}

/** Bytes one after the other. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}

/** Whether bytes begin so. */
export const startsWith = (bytes: Uint8Array, ...start: number[]): boolean =>
  start.every((byte, at) => bytes[at] === byte)

/**
 * Unpacks gzip.
 * @throws GraftError `file-format` for what is damaged or cut off
 */
export async function* gunzip(bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const { readable, writable } = new DecompressionStream('gzip')
  let failure: unknown
  const fed = feed(bytes, writable.getWriter()).catch((error: unknown) => (failure = error))
  try {
    yield* readStream(readable)
  } catch (error) {
    await fed
    // What failed may be the source.
    if (failure instanceof GraftError) throw failure
    throw new GraftError('file-format', `${name}: the gzip file is damaged or cut off`, {
      hint: 'Copy or download it again, or unpack it with `gunzip`.',
      file: name,
      cause: error,
    })
  }
}

interface Writer {
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>
  close(): Promise<void>
  abort(reason: unknown): Promise<void>
}

async function feed(bytes: AsyncIterable<Uint8Array>, writer: Writer): Promise<void> {
  try {
    for await (const chunk of bytes) await writer.write(new Uint8Array(chunk))
    await writer.close()
  } catch (error) {
    await writer.abort(error).catch(() => undefined)
    throw error
  }
}
