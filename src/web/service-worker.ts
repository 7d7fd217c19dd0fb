/** Keeps the page's own files, so that it opens without a network. Model, wasm and vocabulary are kept by the worker. */
declare const self: ServiceWorkerGlobalScope

/** Paths in the site, those that only some visitors need, and a hash over the contents: filled in by vite.config.ts. */
declare const PAGE_FILES: string[]
declare const OPTIONAL_FILES: string[]
declare const PAGE_VERSION: string

const scope = new URL(self.registration.scope)
const prefix = `graft-page ${scope.href} `
const cacheName = prefix + PAGE_VERSION
const toUrl = (path: string) => new URL(path, scope).href
const urls = new Set(PAGE_FILES.map((path) => toUrl(path === 'index.html' ? '' : path)))
const optionalUrls = new Set(OPTIONAL_FILES.map(toUrl))

async function install(): Promise<void> {
  const cache = await caches.open(cacheName)
  await cache.addAll(Array.from(urls, (url) => new Request(url, { cache: 'no-cache' })))
  await self.skipWaiting()
}

async function activate(): Promise<void> {
  const names = await caches.keys()
  const old = names.filter((name) => name.startsWith(prefix) && name !== cacheName)
  await Promise.all(old.map((name) => caches.delete(name)))
  await self.clients.claim()
}

async function respond(request: Request, url: string): Promise<Response> {
  const cache = await caches.open(cacheName)
  const cached = await cache.match(url)
  if (cached) return cached
  const response = await fetch(request)
  if (response.ok) await cache.put(url, response.clone())
  return response
}

/** The page is kept by its folder's URL: many hosts redirect `index.html` there, and a redirected answer opens no page. */
function keyOf(request: Request): string {
  const url = new URL(request.url)
  url.search = ''
  url.hash = ''
  return url.href === toUrl('index.html') ? scope.href : url.href
}

self.addEventListener('install', (event) => event.waitUntil(install()))
self.addEventListener('activate', (event) => event.waitUntil(activate()))
self.addEventListener('fetch', (event) => {
  const url = keyOf(event.request)
  if (event.request.method === 'GET' && (urls.has(url) || optionalUrls.has(url)))
    event.respondWith(respond(event.request, url))
})
