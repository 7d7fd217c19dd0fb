/** GPT-2's byte-level BPE tokenizer: the ids that Hugging Face's tokenizers gives, in time proportional to the text's length. */
import type { Encoded, Tokenizer } from '../tokenizer.ts'
import { unknownId, withUnicodeSpace } from './bytes.ts'
import { mergePairs } from './merge.ts'
import { type BytePairRanks, parseRanks } from './ranks.ts'

export interface Gpt2Tokenizer extends Tokenizer {
  /**
   * Token ids of a text. Special tokens in it are encoded as the ordinary text that they are.
   * @throws RangeError for an unbroken run of over 4 million characters above U+FFFF, the limit of V8's regular expressions
   */
  encode(text: string, maxLength?: number): Encoded
  /** Id of `<|endoftext|>`, which also pads. */
  readonly endOfText: number
}

const ascii = /^\p{ASCII}*$/u

const encoder = new TextEncoder()

/** The UTF-8 bytes of a text, one a character; lone surrogates become U+FFFD. */
function toByteString(text: string): string {
  if (ascii.test(text)) return text
  let bytes = ''
  for (const byte of encoder.encode(text)) bytes += String.fromCharCode(byte)
  return bytes
}

/**
 * Makes a tokenizer of a vocabulary, in about 30 ms.
 * @param ranks the default export of `js-tiktoken/ranks/gpt2`, which core itself does not load: it is 1 MB of a web page
 */
export function createGpt2Tokenizer(ranks: BytePairRanks): Gpt2Tokenizer {
  const idsByBytes = parseRanks(ranks.bpe_ranks)
  const bytesById = new Map([...idsByBytes].map(([bytes, id]) => [id, bytes]))
  const pieces = new RegExp(withUnicodeSpace(ranks.pat_str), 'gu')
  for (const [name, id] of Object.entries(ranks.special_tokens)) bytesById.set(id, toByteString(name))

  function encode(text: string, maxLength = Infinity): Encoded {
    const ids: number[] = []
    for (const [piece] of text.matchAll(pieces)) {
      // One more than is used tells whether anything is cut off, without encoding the rest of a long text.
      if (ids.length > maxLength) break
      const bytes = toByteString(piece)
      const id = idsByBytes.get(bytes)
      if (id !== undefined) ids.push(id)
      else for (const part of mergePairs(bytes, idsByBytes)) ids.push(part)
    }
    const truncated = ids.length > maxLength
    return { ids: truncated ? ids.slice(0, maxLength) : ids, truncated }
  }

  function bytesOf(id: number): string {
    const bytes = bytesById.get(id)
    if (bytes === undefined) throw unknownId(id, bytesById.size)
    return bytes
  }

  async function decode(ids: readonly number[]): Promise<string> {
    const bytes = ids.map(bytesOf).join('')
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)))
  }

  const endOfText = ranks.special_tokens['<|endoftext|>']! // GPT-2's one special token
  return { encode, decode, vocabularySize: bytesById.size, endOfText }
}
