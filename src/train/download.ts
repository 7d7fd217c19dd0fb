/** Downloads the SMS Spam Collection from the UCI repository, once, and checks that it is the file it should be. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import { GraftError } from '../core/errors.ts'
import { writeFileAtomic } from '../files/atomic.ts'
import { sha256, sha256File } from '../files/hash.ts'

/** Almeida, Gómez Hidalgo & Yamakami 2011; CC BY 4.0; doi 10.24432/C5CC84. */
const archive = 'https://archive.ics.uci.edu/static/public/228/sms+spam+collection.zip'
const fileName = 'SMSSpamCollection'
const fileSha256 = '7d039a24a6083ed9ef0f806ebad56bbb976e3aeb8de05669173bfdc4996c239d'
/** Size of the archive, for the progress where the server doesn't tell. */
const archiveBytes = 203_415
const timeout = 120_000 // milliseconds

export interface DownloadOptions {
  /** Folder that keeps the file for the next time. */
  cacheDir: string
  /** Where the zip archive is. */
  url?: string
  onProgress?: (receivedBytes: number, totalBytes: number) => void
}

/**
 * The path of the SMS Spam Collection: from the cache, else downloaded.
 * @throws GraftError `network` where the archive cannot be had, `checksum` where it holds another file, `file-write`
 */
export async function downloadSmsSpam({ cacheDir, url = archive, onProgress }: DownloadOptions): Promise<string> {
  const path = join(cacheDir, fileName)
  if (await isCached(path)) return path
  const file = unzip(await fetchBytes(url, onProgress), url)
  if (sha256(file) !== fileSha256) {
    throw new GraftError('checksum', `${url}: ${fileName} has SHA-256 ${sha256(file)} instead of ${fileSha256}`, {
      hint: `The file has changed or was altered on the way. ${otherWay}`,
      file: url,
      value: sha256(file),
    })
  }
  await writeFileAtomic(path, file)
  return path
}

const otherWay =
  'With the file from elsewhere, run `graft data FILE`: the collection as published (lines of label<TAB>text), ' +
  'or a CSV, TSV or JSON Lines file with columns label and text.'

/** A damaged file in the cache counts as none, and is replaced. */
async function isCached(path: string): Promise<boolean> {
  const exists = await access(path).then(
    () => true,
    () => false,
  )
  return exists && (await sha256File(path)) === fileSha256
}

async function fetchBytes(url: string, onProgress: DownloadOptions['onProgress']): Promise<Uint8Array> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeout) })
    if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`)
    const total = Number(response.headers.get('content-length')) || archiveBytes
    const chunks: Uint8Array[] = []
    let received = 0
    for await (const chunk of response.body) {
      chunks.push(chunk)
      received += chunk.length
      onProgress?.(received, Math.max(received, total))
    }
    return Buffer.concat(chunks)
  } catch (error) {
    throw networkError(`cannot download ${url}: ${reasonOf(error)}`, url, error)
  }
}

/** `fetch` says "fetch failed", and why in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message || error.message : error.message
}

function unzip(zip: Uint8Array, url: string): Uint8Array {
  try {
    const file = unzipSync(zip, { filter: ({ name }) => name === fileName })[fileName]
    if (file) return file
  } catch (error) {
    throw networkError(`${url} did not give a zip archive`, url, error)
  }
  throw networkError(`the archive at ${url} holds no ${fileName}`, url)
}

function networkError(message: string, url: string, cause?: unknown): GraftError {
  return new GraftError('network', message, { hint: otherWay, file: url, cause })
}
