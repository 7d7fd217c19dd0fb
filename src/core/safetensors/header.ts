/** The header of a safetensors file: read with every rule of the format checked, and written. */
import * as z from 'zod/mini'
import { GraftError } from '../errors.ts'
import { issuesOf, parse } from '../schema.ts'
import { dtypeBytes, type Dtype } from './dtypes.ts'
import { findFault } from './scan.ts'

/** The format's own limit. */
const maxHeaderBytes = 100_000_000

/** Bytes of the header's length, a little-endian u64 at the start of the file. Headers are padded to a multiple of it. */
export const lengthBytes = 8

const size = z.int().check(z.nonnegative())

const tensorEntry = z.object({
  dtype: z.enum(Object.keys(dtypeBytes) as Dtype[], { error: ({ input }) => `unknown dtype ${JSON.stringify(input)}` }),
  shape: z.array(size),
  data_offsets: z.tuple([size, size]),
})

/** One tensor's entry. The offsets count from the end of the header. */
export type TensorEntry = z.infer<typeof tensorEntry>

const metadataEntry = z.record(z.string(), z.string())

export interface Header {
  tensors: Map<string, TensorEntry>
  metadata: Record<string, string>
  /** Position of the data in the file. */
  dataStart: number
}

/** The error for a safetensors file. */
export const fault = (file: string, problem: string): GraftError =>
  new GraftError('safetensors', `${file} cannot be read as safetensors: ${problem}`, {
    hint: 'The file is damaged or of another kind: copy or download it again.',
    file,
  })

/**
 * Position of the data in a file.
 * @param bytes its first eight bytes, or more
 * @param fileBytes size of the whole file
 * @throws GraftError `safetensors`
 */
export function headerEnd(bytes: Uint8Array, file: string, fileBytes: number): number {
  if (bytes.length < lengthBytes) throw fault(file, `${bytes.length} bytes are too few for a header`)
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  if (length > maxHeaderBytes) throw fault(file, `a header of ${length} bytes is over the limit of ${maxHeaderBytes}`)
  const end = lengthBytes + Number(length)
  if (end > fileBytes) throw fault(file, `a header of ${length} bytes does not fit in ${fileBytes}`)
  return end
}

/** The header's entries, `__proto__` like any other. */
function readEntries(bytes: Uint8Array, file: string): [string, unknown][] {
  if (bytes[0] !== 0x7b) throw fault(file, 'the header does not begin with {')
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const problem = findFault(text)
    if (problem !== undefined) throw fault(file, `the header ${problem}`)
    return Object.entries(JSON.parse(text))
  } catch (error) {
    if (error instanceof GraftError) throw error
    throw fault(file, `the header is not JSON in UTF-8: ${(error as Error).message}`)
  }
}

function check<T>(schema: z.ZodMiniType<T>, name: string, value: unknown, file: string): T {
  const result = parse(schema, value)
  if (result.success) return result.data
  throw fault(file, `the header's ${JSON.stringify(name)} is wrong: ${issuesOf(result.error)}`)
}

/** Bytes that a tensor takes; undefined from 2^53 on. */
function bytesOf({ dtype, shape }: Pick<TensorEntry, 'dtype' | 'shape'>): number | undefined {
  let bytes: number = dtypeBytes[dtype]
  for (const size of shape) {
    bytes *= size
    if (!Number.isSafeInteger(bytes)) return undefined
  }
  return bytes
}

/** Tensors must cover the data from the first byte to the last, with no gap and no overlap. */
function checkOffsets(tensors: Header['tensors'], dataBytes: number, file: string): void {
  const inOrder = [...tensors].sort(([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1])
  let position = 0
  for (const [name, entry] of inOrder) {
    const [start, end] = entry.data_offsets
    if (start !== position) throw fault(file, `${JSON.stringify(name)} begins at byte ${start}, not at ${position}`)
    if (bytesOf(entry) !== end - start) {
      const type = `${entry.dtype} [${entry.shape.join(', ')}]`
      throw fault(file, `${JSON.stringify(name)}, ${type}, does not fill bytes ${start} to ${end}`)
    }
    position = end
  }
  if (position !== dataBytes) throw fault(file, `its tensors take ${position} bytes, and it holds ${dataBytes}`)
}

/**
 * Reads and checks the header of a file.
 * @param bytes the file, or its beginning with the whole header
 * @throws GraftError `safetensors`
 */
export function parseHeader(bytes: Uint8Array, file: string, fileBytes = bytes.length): Header {
  const dataStart = headerEnd(bytes, file, fileBytes)
  const header: Header = { tensors: new Map(), metadata: {}, dataStart }
  for (const [name, value] of readEntries(bytes.subarray(lengthBytes, dataStart), file)) {
    if (name === '__metadata__') header.metadata = check(metadataEntry, name, value, file)
    else header.tensors.set(name, check(tensorEntry, name, value, file))
  }
  checkOffsets(header.tensors, fileBytes - dataStart, file)
  return header
}

/**
 * The header of tensors stored one after the other, with its length before it and spaces after it.
 * @returns also the bytes that the tensors take
 */
export function serializeHeader(
  tensors: Iterable<readonly [name: string, Pick<TensorEntry, 'dtype' | 'shape'>]>,
  metadata?: Record<string, string>,
) {
  // Not an object: JavaScript would move names that are numbers to the front.
  const members = metadata ? [`"__metadata__":${JSON.stringify(metadata)}`] : []
  let dataBytes = 0
  for (const [name, { dtype, shape }] of tensors) {
    const end = dataBytes + (bytesOf({ dtype, shape }) ?? 0)
    const entry: TensorEntry = { dtype, shape, data_offsets: [dataBytes, end] }
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`)
    dataBytes = end
  }
  const json = new TextEncoder().encode(`{${members.join(',')}}`)
  const length = Math.ceil(json.length / lengthBytes) * lengthBytes
  const header = new Uint8Array(lengthBytes + length).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true)
  header.set(json, lengthBytes)
  return { header, dataBytes }
}
