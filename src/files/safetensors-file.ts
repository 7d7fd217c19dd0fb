/** A safetensors file of any size: its header is read, and then tensor by tensor what is asked for. */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { decoderOf } from '../core/safetensors.ts'
import { dtypeBytes } from '../core/safetensors/dtypes.ts'
import { type Header, type TensorEntry, headerEnd, lengthBytes, parseHeader } from '../core/safetensors/header.ts'
import { type TensorMap, sizeOf } from '../core/tensors.ts'
import { isThereNow, readError } from './read.ts'
import { isSystemError } from './system-error.ts'

/** Bytes read at a time: large enough for the disk, small enough not to count beside the weights. */
const CHUNK = 4 * 2 ** 20

/** A file's header, by which the rest is read. */
export interface SafetensorsFile extends Header {
  path: string
  /** Bytes of the whole file. */
  size: number
}

const openFile = (path: string, hint?: string): Promise<FileHandle> =>
  open(path).catch(async (error: unknown) => {
    if (await isThereNow(error, path)) return open(path)
    throw readError(error, path, hint)
  })

async function withFile<T>(path: string, hint: string | undefined, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await openFile(path, hint)
  try {
    return await use(file)
  } catch (error) {
    throw isSystemError(error) ? readError(error, path) : error
  } finally {
    await file.close()
  }
}

/** Fills a buffer from a position on; the system may read less than it is asked for. */
async function readInto(buffer: Uint8Array, file: FileHandle, position: number): Promise<Uint8Array> {
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/** The bytes of a file from `start` to `end`, in parts of whole elements that are valid until the next one is asked for. */
async function* readChunks(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(CHUNK, end - start))
  for (let position = start; position < end; position += buffer.length) {
    yield await readInto(buffer.subarray(0, Math.min(buffer.length, end - position)), file, position)
  }
}

/**
 * Reads and checks a file's header.
 * @param hint which command makes such a file
 * @throws GraftError `file-not-found`, `file-read`, `safetensors`
 */
export const readSafetensorsHeader = (path: string, hint?: string): Promise<SafetensorsFile> =>
  withFile(path, hint, async (file) => {
    const { size } = await file.stat()
    const start = await readInto(new Uint8Array(Math.min(size, lengthBytes)), file, 0)
    const header = await readInto(new Uint8Array(headerEnd(start, path, size)), file, 0)
    return { ...parseHeader(header, path, size), path, size }
  })

/**
 * The bytes of one tensor, in parts that are valid until the next one is asked for.
 * @throws GraftError `file-not-found`, `file-read`
 */
export async function* readTensorBytes(
  { path, dataStart }: SafetensorsFile,
  { data_offsets: [start, end] }: TensorEntry,
): AsyncGenerator<Uint8Array> {
  const file = await openFile(path)
  try {
    yield* readChunks(file, dataStart + start, dataStart + end)
  } finally {
    await file.close()
  }
}

/**
 * Reads a whole file once: its tensors as float32, and its SHA-256. Never more than the tensors are in memory.
 * @param skip tensors to leave out: they may then be of any element type
 * @throws GraftError `file-not-found`, `file-read`, `safetensors`
 */
export async function readSafetensors(
  path: string,
  { skip = () => false, hint }: { skip?: (name: string) => boolean; hint?: string } = {},
): Promise<{ tensors: TensorMap; sha256: string }> {
  const { tensors: entries, dataStart } = await readSafetensorsHeader(path, hint)
  const inOrder = [...entries].sort(([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1])
  return withFile(path, hint, async (file) => {
    const hash = createHash('sha256')
    for await (const chunk of readChunks(file, 0, dataStart)) hash.update(chunk)
    const tensors: TensorMap = new Map()
    for (const [name, entry] of inOrder) {
      const decode = skip(name) ? undefined : decoderOf(entry, name, path)
      const data = new Float32Array(decode ? sizeOf(entry.shape) : 0)
      const [start, end] = entry.data_offsets
      let done = 0
      for await (const chunk of readChunks(file, dataStart + start, dataStart + end)) {
        hash.update(chunk)
        const next = done + chunk.length / dtypeBytes[entry.dtype]
        decode?.(chunk, data.subarray(done, next))
        done = next
      }
      if (decode) tensors.set(name, { shape: entry.shape, data })
    }
    return { tensors, sha256: hash.digest('hex') }
  })
}
