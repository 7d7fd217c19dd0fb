/** Downloads files once: kept in Cache Storage under their SHA-256, which is checked before anything is used. */
import { GraftError } from '../../core/errors.ts'
import type { LoadProgress } from '../protocol.ts'

export interface FileSource {
  url: URL
  sha256: string
  /** Where it is known before the server says so. */
  bytes?: number
}

export interface Downloads {
  /**
   * A file's bytes, from the cache or the server.
   * @throws GraftError `network` where the server does not give the file, `checksum` where it gives another, `memory`
   */
  get(source: FileSource): Promise<Uint8Array<ArrayBuffer>>
  /**
   * A file that may change, as the server has it now.
   * @param past asks past every cache between here and the server
   * @throws GraftError `network`
   */
  latest(url: URL, past?: boolean): Promise<Uint8Array<ArrayBuffer>>
  /** The same as it was when all that it names was there. */
  kept(url: URL): Promise<Uint8Array<ArrayBuffer> | undefined>
  /** Keeps such a file: all that it names is there. */
  keep(url: URL, bytes: Uint8Array<ArrayBuffer>): void
  /** Waits until all is kept, and removes what was not asked for this time. */
  tidy(): Promise<void>
}

/**
 * @param folder URL of the bundle, whose cache is its own
 * @throws GraftError `browser` where the page is not in a secure context
 */
export async function openDownloads(folder: URL, onProgress: (progress: LoadProgress) => void): Promise<Downloads> {
  if (!globalThis.isSecureContext) {
    throw new GraftError('browser', `${folder.origin} is no secure origin, so files cannot be checked or kept`, {
      hint: 'Serve the page over https, or from localhost.',
    })
  }
  const cache = await openCache(`graft ${folder.href}`)
  const sizes = { loaded: 0, total: 0, /** Files whose size is not known yet. */ unknown: 0 }
  const kept = new Set<string>()
  const writing: Promise<unknown>[] = []

  const report = () => onProgress({ loaded: sizes.loaded, total: sizes.unknown > 0 ? undefined : sizes.total })
  const onSize = (bytes: number) => {
    sizes.total += bytes
    sizes.unknown--
  }
  const onBytes = (bytes: number) => {
    sizes.loaded += bytes
    report()
  }

  function keep(key: string, body: BodyInit): void {
    kept.add(key)
    writing.push(orNothing(async () => cache?.put(key, new Response(body))))
  }

  const fromCache = (key: string) =>
    orNothing(async () => {
      const response = await cache?.match(key)
      // By way of a blob, which Chromium reads twice as fast.
      return response && new Uint8Array(await (await response.blob()).arrayBuffer())
    })

  async function get({ url, sha256, bytes: expected }: FileSource): Promise<Uint8Array<ArrayBuffer>> {
    const key = new URL(`sha256/${sha256}`, folder).href
    sizes.unknown++
    const cached = await fromCache(key)
    if (cached && (await hash(cached)) === sha256) {
      kept.add(key)
      onSize(cached.length)
      onBytes(cached.length)
      return cached
    }
    // The browser's own cache would hold it a second time; one on the way may hold another version's under the name alone.
    const response = await fetch(`${url.href}?${sha256.slice(0, 16)}`, { cache: 'no-store' }).catch(
      (cause: unknown) => {
        throw unreachable(url, cause)
      },
    )
    checkStatus(response, url)
    const bytes = await readBody(response, url, { expected, onSize, onBytes })
    refuseHtml(bytes, url)
    const found = await hash(bytes)
    if (found !== sha256) throw wrongFile(url, found, sha256)
    keep(key, bytes)
    return bytes
  }

  async function latest(url: URL, past = false): Promise<Uint8Array<ArrayBuffer>> {
    sizes.unknown++
    try {
      const asked = past ? `${url.href}?${Date.now()}` : url
      const response = await fetch(asked, { cache: past ? 'no-store' : 'no-cache' }).catch((cause: unknown) => {
        throw unreachable(url, cause)
      })
      const bytes = new Uint8Array(await checkStatus(response, url).arrayBuffer())
      refuseHtml(bytes, url)
      return bytes
    } finally {
      // The files that it names are asked for next.
      onSize(0)
    }
  }

  async function tidy(): Promise<void> {
    await Promise.all(writing)
    const stored = (await orNothing(async () => cache?.keys())) ?? []
    for (const { url } of stored) if (!kept.has(url)) await orNothing(async () => cache?.delete(url))
  }

  return { get, latest, kept: ({ href }) => fromCache(href), keep: ({ href }, bytes) => keep(href, bytes), tidy }
}

/** Storage that cannot be read or written, as in some private windows or on a full disk, is like an empty one. */
async function orNothing<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch {
    return undefined
  }
}

const openCache = (name: string) => orNothing(async () => caches.open(name))

const upload = 'Upload the folder that `graft web` wrote whole, and reload the page.'

const unreachable = (url: URL, cause?: unknown) =>
  new GraftError('network', `${url.href} cannot be reached`, {
    hint: 'Check the connection, and reload the page.',
    file: url.href,
    cause,
  })

function checkStatus(response: Response, url: URL): Response {
  if (response.ok) return response
  throw new GraftError('network', `${url.href}: the server answers ${response.status}`, {
    hint: upload,
    file: url.href,
  })
}

/** The length of what will come: unknown for a compressed body, whose header counts other bytes. */
function lengthOf({ headers }: Response): number | undefined {
  const length = headers.get('Content-Length')
  return length === null || headers.has('Content-Encoding') ? undefined : Number(length)
}

async function readBody(
  response: Response,
  url: URL,
  {
    expected,
    onSize,
    onBytes,
  }: { expected?: number; onSize: (bytes: number) => void; onBytes: (bytes: number) => void },
): Promise<Uint8Array<ArrayBuffer>> {
  const length = expected ?? lengthOf(response)
  if (length !== undefined) onSize(length)
  try {
    // At its full size from the start, where that is known: a model is not in memory twice.
    let bytes = new Uint8Array(length ?? 0)
    let filled = 0
    const reader = response.body?.getReader()
    for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
      const end = filled + part.value.length
      if (end > bytes.length) bytes = grow(bytes, Math.max(end, 2 * bytes.length))
      bytes.set(part.value, filled)
      filled = end
      onBytes(part.value.length)
    }
    if (length === undefined) onSize(filled)
    return filled === bytes.length ? bytes : bytes.slice(0, filled)
  } catch (cause) {
    if (cause instanceof RangeError) throw outOfMemory(cause)
    throw new GraftError('network', `${url.href} broke off`, {
      hint: 'Check the connection, and reload the page.',
      file: url.href,
      cause,
    })
  }
}

function grow(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(size)
  grown.set(bytes)
  return grown
}

export const outOfMemory = (cause: unknown): GraftError =>
  new GraftError('memory', 'the browser has too little memory for this model', {
    hint: 'Close other tabs or programs and reload the page, or export a smaller model.',
    cause,
  })

/** Many hosts answer with their start page where a file is missing. */
function refuseHtml(bytes: Uint8Array, url: URL): void {
  const start = new TextDecoder().decode(bytes.subarray(0, 100)).trimStart().toLowerCase()
  if (!start.startsWith('<!doctype html') && !start.startsWith('<html')) return
  throw new GraftError('network', `${url.href}: the server sends an HTML page in place of the file`, {
    hint: `The file is missing, and the server answers with another page. ${upload}`,
    file: url.href,
  })
}

const short = (hash: string) => `${hash.slice(0, 12)}…`

const wrongFile = (url: URL, found: string, expected: string) =>
  new GraftError(
    'checksum',
    `${url.href} is not the file that belongs here: SHA-256 ${short(found)}, not ${short(expected)}`,
    {
      hint: `It is damaged, or of another export. ${upload}`,
      file: url.href,
      value: found,
    },
  )

/** SHA-256 in lower-case hexadecimal. */
async function hash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
