/** Bytes as text: UTF-8, or what a byte order mark or the user says; all else is an error that names the line. */
import { GraftError } from '../errors.ts'
import { concatBytes, peek, startsWith } from './bytes.ts'

export interface Text {
  /** Without a byte order mark. */
  blocks: AsyncGenerator<string>
  mark: boolean
}

/** Number of line ends, where all are alike. */
export function countLines(text: string): number {
  const end = text.includes('\n') ? '\n' : '\r'
  let lines = 0
  for (let at = text.indexOf(end); at >= 0; at = text.indexOf(end, at + 1)) lines++
  return lines
}

/** The byte order marks, and what they say. */
const marks: [encoding: string, ...bytes: number[]][] = [
  ['utf-8', 0xef, 0xbb, 0xbf],
  ['utf-16le', 0xff, 0xfe],
  ['utf-16be', 0xfe, 0xff],
]

/**
 * Reads bytes as text.
 * @throws GraftError `usage` for an unknown encoding; while blocks are read, `file-encoding` and `file-binary`
 */
export async function decodeText(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  encoding: string | undefined,
): Promise<Text> {
  const given = encoding === undefined ? undefined : createDecoder(encoding)
  const { head, all } = await peek(bytes, 4096, concatBytes)
  const mark = marks.find(([, ...start]) => startsWith(head, ...start))
  const decoder = mark ? createDecoder(mark[0]) : (given ?? createDecoder('utf-8'))
  const likely = mark || given ? undefined : withoutMark(head)
  return {
    blocks: decodeBlocks(all, { name, decoder, likely, skip: mark ? mark.length - 1 : 0 }),
    mark: mark !== undefined,
  }
}

type Decoder = InstanceType<typeof TextDecoder>

function createDecoder(encoding: string): Decoder {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true })
  } catch (cause) {
    throw new GraftError('usage', `there is no encoding "${encoding}"`, {
      hint: 'Give one such as utf-8, utf-16le, windows-1252 or shift_jis.',
      value: encoding,
      cause,
    })
  }
}

/** UTF-16 without a mark: every other byte of plain English is zero. */
function withoutMark(head: Uint8Array): string | undefined {
  const zeros = [0, 0]
  for (const [at, byte] of head.entries()) if (byte === 0) zeros[at % 2]!++ // two of them
  const many = Math.max(4, head.length / 8)
  if (zeros[1]! > many && zeros[0]! < many) return 'utf-16le'
  return zeros[0]! > many && zeros[1]! < many ? 'utf-16be' : undefined
}

interface Decoding {
  name: string
  decoder: Decoder
  /** What the first bytes look like, where they are not UTF-8. */
  likely: string | undefined
  /** Bytes of the mark. */
  skip: number
}

async function* decodeBlocks(
  bytes: AsyncIterable<Uint8Array>,
  { name, decoder, likely, skip }: Decoding,
): AsyncGenerator<string> {
  let line = 1
  let offset = skip
  for await (const whole of bytes) {
    if (likely)
      throw wrongEncoding(name, line, `it looks like ${likely}`, `Give --encoding ${likely}, or save it as UTF-8.`)
    const chunk = whole.subarray(offset)
    offset = 0
    const text = decodeChunk(chunk, { name, decoder, line })
    const zero = text.indexOf('\0')
    if (zero >= 0) throw binary(name, line + countLines(text.slice(0, zero)))
    line += countLines(text)
    if (text !== '') yield text
  }
  try {
    decoder.decode()
  } catch {
    throw wrongEncoding(name, line, 'it ends within a character', 'The file was cut off: copy or download it again.')
  }
}

function decodeChunk(
  chunk: Uint8Array,
  { name, decoder, line }: Pick<Decoding, 'name' | 'decoder'> & { line: number },
): string {
  try {
    return decoder.decode(chunk, { stream: true })
  } catch {
    const at = decoder.encoding.startsWith('utf-16') ? line : line + invalidLine(chunk, decoder.encoding)
    if (decoder.encoding !== 'utf-8') {
      throw wrongEncoding(name, at, `not ${decoder.encoding}`, 'Give the encoding that it has with --encoding.')
    }
    const [guess, hint] = guessEncoding(chunk)
    throw wrongEncoding(name, at, `not UTF-8: it looks like ${guess}`, hint)
  }
}

/** Lines before the first that is not of the encoding. No byte of a longer character is a line end, so lines can be judged alone. */
function invalidLine(chunk: Uint8Array, encoding: string): number {
  const decoder = new TextDecoder(encoding, { fatal: true })
  let start = 0
  // The first line may begin within a character of the block before.
  while (start < 3 && (chunk[start] ?? 0) >> 6 === 0b10) start++
  for (let line = 0; ; line++) {
    const end = chunk.indexOf(0x0a, start)
    try {
      decoder.decode(chunk.subarray(start, end < 0 ? chunk.length : end), { stream: end < 0 })
    } catch {
      return line
    }
    if (end < 0) return 0
    start = end + 1
  }
}

/** In a text of Western Europe letters past ASCII stand alone, in another script side by side. */
function guessEncoding(chunk: Uint8Array): [guess: string, hint: string] {
  let [high, paired] = [0, 0]
  for (const [at, byte] of chunk.entries()) {
    if (byte < 0x80) continue
    high++
    if ((chunk[at - 1] ?? 0) >= 0x80) paired++
  }
  return paired < high / 2
    ? ['windows-1252', 'Give --encoding windows-1252, or save it as UTF-8.']
    : [
        'an older encoding of its language',
        'Give it with --encoding (windows-1251, shift_jis, gb18030, …), or save it as UTF-8.',
      ]
}

const wrongEncoding = (name: string, line: number, problem: string, hint: string) =>
  new GraftError('file-encoding', `${name}, line ${line}: ${problem}`, { hint, file: name, line })

const binary = (name: string, line: number) =>
  new GraftError('file-binary', `${name}, line ${line}: a zero byte: this is not text`, {
    hint: 'Save or export the data as plain text in UTF-8.',
    file: name,
    line,
  })
