/** Bytes as characters: what byte-level tokenizers make of text before they look anything up. */
import { GraftError } from '../errors.ts'

/**
 * The character that stands for each byte: printable ones for themselves, the others for U+0100 on, as GPT-2's
 * `bytes_to_unicode` has it (https://github.com/openai/gpt-2/blob/master/src/encoder.py).
 */
export function byteCharacters(): string[] {
  const isPrintable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173)
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++))
}

/** JavaScript's `\s` has U+FEFF and lacks U+0085; tokenizers' patterns mean Unicode's white space. */
export const withUnicodeSpace = (pattern: string): string =>
  pattern.replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}')

/** GPT-2's pattern of pieces that are encoded each by itself, which byte-level tokenizers use by default. */
export const GPT2_PATTERN = withUnicodeSpace(
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
)

/** The error for an id that no token has. */
export const unknownId = (id: number, size: number): GraftError =>
  new GraftError('runtime', `token id ${id} is outside of the vocabulary of ${size} ids`, {
    hint: 'Decode only ids that this tokenizer gave.',
    value: id,
  })
