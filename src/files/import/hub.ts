/** The Hugging Face Hub as a source: files are downloaded into a cache, from where an interrupted download goes on. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ListFileEntry, HubApiError, downloadFile, listFiles, modelInfo } from '@huggingface/hub'
import { GraftError } from '../../core/errors.ts'
import type { Source } from './source.ts'

export interface HubOptions {
  /** Branch, tag or commit. */
  revision?: string | undefined
  /** Needed for private and gated repositories. */
  accessToken?: string | undefined
  /** https://huggingface.co by default. */
  url?: string | undefined
  /** Folder that keeps what was downloaded. */
  cacheDir?: string | undefined
}

interface DownloadOptions extends HubOptions {
  signal?: AbortSignal | undefined
  onProgress?: ((what: string, done: number, total: number) => void) | undefined
}

/**
 * Lists a repository's files at a revision, and fetches those that are asked for.
 * @throws GraftError `network`; `checksum` for a file whose hash is not the one that the hub names
 */
export async function openHub(id: string, options: DownloadOptions): Promise<Source> {
  const { revision = 'main', accessToken, url: hubUrl, cacheDir = '.cache', signal } = options
  const limited: typeof fetch = (input, init) => fetch(input, { ...init, ...(signal && { signal }) })
  const common = { ...(accessToken && { accessToken }), ...(hubUrl && { hubUrl }), fetch: limited }
  const commit = await reach(id, signal, async () => {
    const { sha } = await modelInfo({ ...common, name: id, revision, additionalFields: ['sha'] })
    return sha
  })
  const entries = new Map<string, ListFileEntry>()
  await reach(id, signal, async () => {
    for await (const entry of listFiles({ ...common, repo: id, revision: commit })) {
      if (entry.type === 'file') entries.set(entry.path, entry)
    }
  })
  const folder = join(cacheDir, `models--${id.replace('/', '--')}`, commit)
  return {
    name: id,
    revision: commit,
    names: new Set(entries.keys()),
    async fetch(name) {
      const entry = entries.get(name)
      if (!entry) throw networkError(`${id} has no ${name}`, id)
      const path = join(folder, name)
      if (await isWhole(path, entry)) return path
      const open = () => downloadFile({ ...common, repo: id, path: name, revision: commit })
      await reach(`${id}/${name}`, signal, () => download(open, path, entry, options.onProgress))
      return path
    },
  }
}

/** A file in the cache has its last name only after its hash was checked. */
const isWhole = (path: string, { size }: ListFileEntry) =>
  stat(path).then(
    (found) => found.size === size,
    () => false,
  )

/** What the hub or the network answers, as an error that a user can act on. */
async function reach<T>(what: string, signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof GraftError) throw error
    throw networkError(`cannot get ${what}: ${reasonOf(error)}`, what, error)
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof HubApiError) return `the hub answered ${error.statusCode}`
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message || error.message : error.message
}

const networkError = (message: string, file: string, cause?: unknown) =>
  new GraftError('network', message, {
    hint:
      'Check the id, and for a private or gated repository the token in HF_TOKEN. Run the command again to go on ' +
      'with the download, or give a folder that holds the files.',
    file,
    cause,
  })

/** Downloads what is missing of a file, checks the whole, and gives it its name. */
async function download(
  openBlob: () => Promise<Blob | null>,
  path: string,
  entry: ListFileEntry,
  onProgress: DownloadOptions['onProgress'],
): Promise<void> {
  const partial = `${path}.incomplete`
  await mkdir(dirname(path), { recursive: true })
  const there = await stat(partial).then(
    ({ size }) => (size <= entry.size ? size : 0),
    () => 0,
  )
  const blob = await openBlob()
  if (!blob) throw new Error('the file is not there')
  const file = await open(partial, there > 0 ? 'a' : 'w')
  try {
    let done = there
    // A blob of the hub is fetched by ranges, so the part that is here is not fetched again.
    if (there < entry.size) {
      for await (const bytes of blob.slice(there, entry.size).stream()) {
        await file.writeFile(bytes)
        done += bytes.length
        onProgress?.(`Downloading ${entry.path}`, done, entry.size)
      }
    }
    await file.sync()
  } finally {
    await file.close()
  }
  await checkHash(partial, entry)
  await rename(partial, path)
}

/** Large files are known by their SHA-256, small ones by git's SHA-1 of them. */
async function checkHash(path: string, { lfs, oid, size, path: name }: ListFileEntry): Promise<void> {
  const hash = lfs ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`)
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  const [found, expected] = [hash.digest('hex'), lfs?.oid ?? oid]
  if (expected === undefined || found === expected) return
  await unlink(path)
  throw new GraftError('checksum', `${name} has the hash ${found} instead of ${expected}`, {
    hint: 'It was altered on the way: run the command again to download it anew.',
    file: name,
    value: found,
  })
}
