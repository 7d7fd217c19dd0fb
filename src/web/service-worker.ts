/**
 * Keeps the page's own files, so that it opens without a network, and shows whole versions only. index.html names the files
 * that it consists of with their SHA-256: a new one is shown once all of them are there, and until then the last whole one.
 * Model, wasm and vocabulary are kept by the page's worker.
 */
declare const self: ServiceWorkerGlobalScope

/** What index.html names, by path in the site: vite.config.ts writes it. */
interface SiteFiles {
  /** SHA-256 of what every visitor needs. */
  page: Record<string, string>
  /** SHA-256 of what is kept when it is used. */
  optional: Record<string, string>
  /** Bytes of what the page's worker downloads. */
  large: Record<string, number>
}

/** index.html as it was read. */
interface Page {
  html: string
  headers: Headers
  files: SiteFiles
}

/** A visitor waits so long for the newest page before the kept one is shown. */
const PATIENCE_MS = 3000

/** URL of the site's folder, by which the page is kept: many hosts redirect `index.html` there. */
const home = self.registration.scope
const origin = new URL(home).origin
const prefix = `graft-page ${home} `
const urlOf = (path: string) => new URL(path, home).href

/** Storage that fails is like storage that holds nothing. */
const orNothing = <T>(work: Promise<T>): Promise<T | undefined> => work.catch(() => undefined)

async function sha256(data: BufferSource): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const cacheNameOf = async ({ files }: Page) =>
  prefix + (await sha256(new TextEncoder().encode(JSON.stringify(files)))).slice(0, 16)

/** Names of the kept versions' caches, the newest first. */
const cacheNames = async () => (await caches.keys()).filter((name) => name.startsWith(prefix)).reverse()

/** A file as the newest version has it that has it. */
async function kept(url: string): Promise<Response | undefined> {
  for (const cacheName of (await orNothing(cacheNames())) ?? []) {
    const found = await orNothing(caches.match(url, { cacheName }))
    if (found) return found
  }
  return undefined
}

/** The page of a text, if it is one of ours. */
function readPage(html: string, headers: Headers): Page | undefined {
  const list = /<script type="application\/json" id="site-files">(.*?)<\/script>/s.exec(html)?.[1]
  try {
    return list === undefined ? undefined : { html, headers, files: JSON.parse(list) as SiteFiles }
  } catch {
    return undefined
  }
}

/** Made anew: an answer that was redirected opens no page. */
function toResponse({ html, headers }: Page): Response {
  const kept = new Headers(headers)
  for (const name of ['Content-Encoding', 'Content-Length']) kept.delete(name)
  return new Response(html, { headers: kept })
}

/** The page that the server has: none where it fails, or sends something else, as networks do that ask for a login. */
async function fetchPage(): Promise<Page | undefined> {
  const response = await orNothing(fetch(home, { cache: 'no-cache' }))
  if (!response?.ok || new URL(response.url).origin !== origin) return undefined
  const page = readPage((await orNothing(response.text())) ?? '', response.headers)
  if (!page && (await isReplaced())) await retire()
  return page
}

/** Whether another site has taken this one's place, for good: a network's login page would answer here too. */
async function isReplaced(): Promise<boolean> {
  const response = await orNothing(fetch(urlOf('service-worker.js'), { cache: 'no-cache' }))
  return response?.status === 404 || response?.status === 410
}

/** Leaves the address to whom it belongs now. */
async function retire(): Promise<void> {
  await self.registration.unregister()
  for (const name of (await orNothing(cacheNames())) ?? []) await orNothing(caches.delete(name))
}

const types: Record<string, RegExp> = { js: /javascript/, css: /^text\/css/, svg: /^image\/svg/ }

/** @throws Error where the server has another file, or none */
async function fetchChecked(path: string, hash: string): Promise<Response> {
  const response = await fetch(urlOf(path), { cache: 'no-cache' })
  const type = response.headers.get('Content-Type') ?? ''
  const isRight =
    response.ok &&
    (types[path.replace(/.*\./, '')]?.test(type) ?? true) &&
    (await sha256(await response.clone().arrayBuffer())) === hash
  if (isRight) return response
  throw new Error(`${response.url} is not the file that index.html names`)
}

/** Large files are not downloaded here, but are there. @throws Error */
async function checkLarge(path: string, bytes: number): Promise<void> {
  const { ok, headers } = await fetch(urlOf(path), { method: 'HEAD', cache: 'no-cache' })
  const length = headers.has('Content-Encoding') ? null : headers.get('Content-Length')
  if (ok && !headers.get('Content-Type')?.startsWith('text/html') && (length === null || Number(length) === bytes))
    return
  throw new Error(`${path} is not the file that index.html names`)
}

/** Downloads and checks all files of a version. @throws Error where one is not there */
async function fetchAll({ files: { page, large } }: Page): Promise<[string, Response][]> {
  const [files] = await Promise.all([
    Promise.all(
      Object.entries(page).map(async ([path, hash]): Promise<[string, Response]> => [
        urlOf(path),
        await fetchChecked(path, hash),
      ]),
    ),
    Promise.all(Object.entries(large).map(([path, bytes]) => checkLarge(path, bytes))),
  ])
  return files
}

/** Keeps a version, the page last: a cache that has the page is whole. */
async function keep(name: string, page: Page, files: [string, Response][]): Promise<void> {
  await caches.delete(name)
  const cache = await caches.open(name)
  try {
    for (const [url, response] of files) await cache.put(url, response)
    await cache.put(home, toResponse(page))
  } catch (error) {
    await orNothing(caches.delete(name)) // the disk is full: without a copy, rather than with half of one
    throw error
  }
  // Pages that are open may still need the version before.
  for (const old of (await cacheNames()).slice(2)) await caches.delete(old)
}

/** Tells the open pages which version there is. */
async function announce({ files }: Page): Promise<void> {
  for (const client of await self.clients.matchAll()) client.postMessage({ version: JSON.stringify(files) })
}

/**
 * Looks whether the server has another version, and keeps it.
 * @returns the server's page, if all its files are there
 */
async function update(): Promise<Page | undefined> {
  const page = await fetchPage()
  if (!page) return undefined
  const name = await cacheNameOf(page)
  const [newest] = (await orNothing(cacheNames())) ?? []
  if (name === newest) {
    await orNothing(caches.open(name).then((cache) => cache.put(home, toResponse(page))))
    return page
  }
  const files = await orNothing(fetchAll(page))
  if (!files) return undefined
  await orNothing(keep(name, page, files))
  await announce(page)
  return page
}

let updating: Promise<Page | undefined> | undefined

/** One at a time. */
const latest = (): Promise<Page | undefined> =>
  (updating ??= orNothing(update()).finally(() => {
    updating = undefined
  }))

/** The server's page, or the one kept where that is not whole, not ours, or long in coming. */
async function open(event: FetchEvent): Promise<Response> {
  const newest = latest()
  event.waitUntil(newest)
  if (!(await kept(home))) return fetch(event.request)
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE_MS))
  const page = await Promise.race([newest, late])
  return page ? toResponse(page) : ((await kept(home)) ?? fetch(event.request))
}

/** A file of the page: kept by its version, or else from the server. */
async function get(request: Request, url: string): Promise<Response> {
  const found = await kept(url)
  if (found) return found
  const [html, name] = [await (await kept(home))?.text(), (await orNothing(cacheNames()))?.[0]]
  const path = url.slice(home.length)
  const hash = readPage(html ?? '', new Headers())?.files.optional[path]
  if (hash === undefined || name === undefined) return fetch(request)
  const response = await fetchChecked(path, hash)
  const copy = response.clone()
  await orNothing(caches.open(name).then((cache) => cache.put(url, copy)))
  return response
}

/** The URL without search and hash; the page's is its folder's. */
function keyOf({ url }: Request): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname === urlOf('index.html') ? home : origin + pathname
}

const isPageFile = (path: string) => /^(assets\/.+|graft|worker)\.(js|css|svg)$/.test(path)

async function install(): Promise<void> {
  const page = await update()
  const isKept = page && (await cacheNames()).includes(await cacheNameOf(page))
  if (!isKept) throw new Error('the site is not whole, or cannot be kept')
  await self.skipWaiting()
}

self.addEventListener('install', (event) => event.waitUntil(install()))
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))
self.addEventListener('message', (event) => event.waitUntil(latest()))
self.addEventListener('fetch', (event) => {
  const { request } = event
  const key = keyOf(request)
  if (request.method !== 'GET') return
  if (key === home && request.mode === 'navigate') event.respondWith(open(event))
  else if (key.startsWith(home) && isPageFile(key.slice(home.length))) event.respondWith(get(request, key))
})
