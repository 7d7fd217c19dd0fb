/** SHA-256 of files and bytes, in lower-case hexadecimal: how bases, data and bundles are told apart. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { readError } from './read.ts'

/** SHA-256 of bytes, or of a text's UTF-8 bytes. */
export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')

/**
 * SHA-256 of a file of any size.
 * @throws GraftError `file-not-found`, `file-read`
 */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(path), hash)
  } catch (error) {
    throw readError(error, path)
  }
  return hash.digest('hex')
}
