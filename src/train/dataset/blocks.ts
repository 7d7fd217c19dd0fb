/** Reads a text file of any size in blocks of whole lines, and refuses what is not UTF-8 text. */
import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { GraftError } from '../../core/errors.ts'
import { readError } from '../../files/read.ts'

export interface Block {
  /** Whole lines; line ends are `\n`. */
  text: string
  /** 1-based line at which the block starts. */
  line: number
}

const newline = 0x0a

/** Number of line ends in a text. */
export const countLines = (text: string): number => text.split('\n').length - 1

/**
 * The lines of a file in blocks, without a byte order mark and with `\n` for `\r\n`.
 * @throws GraftError `file-not-found`, `file-read`; `file-binary` for a zero byte; `file-encoding` for bytes that are not UTF-8
 */
export async function* readBlocks(path: string): AsyncGenerator<Block> {
  let line = 1
  for await (const bytes of wholeLines(path)) {
    checkText(bytes, path, line)
    const text = bytes.toString().replaceAll('\r\n', '\n')
    yield { text: line === 1 ? text.replace(/^\uFEFF/, '') : text, line }
    line += countLines(text)
  }
}

/** A file's bytes, cut after line ends only. */
async function* wholeLines(path: string): AsyncGenerator<Buffer> {
  let rest: Buffer[] = []
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      const end = chunk.lastIndexOf(newline) + 1
      if (end > 0) {
        yield Buffer.concat([...rest, chunk.subarray(0, end)])
        rest = []
      }
      rest.push(chunk.subarray(end))
    }
  } catch (error) {
    throw readError(error, path)
  }
  const last = Buffer.concat(rest)
  if (last.length > 0) yield last
}

function checkText(bytes: Buffer, path: string, firstLine: number): void {
  const details = { hint: 'Save or export the data as plain text in UTF-8.', file: path }
  const zero = bytes.indexOf(0)
  if (zero >= 0) {
    const line = firstLine + countLines(bytes.toString('latin1', 0, zero))
    throw new GraftError('file-binary', `${path}, line ${line}: a zero byte: this is not UTF-8 text`, {
      ...details,
      line,
    })
  }
  if (isUtf8(bytes)) return
  const line = firstLine + firstInvalidLine(bytes)
  throw new GraftError('file-encoding', `${path}, line ${line}: not UTF-8`, { ...details, line })
}

/** Counted from 0. No byte of a multi-byte character is a line end, so lines can be judged alone. */
function firstInvalidLine(bytes: Buffer): number {
  let start = 0
  for (let line = 0; ; line++) {
    const end = bytes.indexOf(newline, start)
    if (end < 0 || !isUtf8(bytes.subarray(start, end))) return line
    start = end + 1
  }
}
