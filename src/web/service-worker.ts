/** Keeps the page's own files, so that it opens without a network. Model, wasm and vocabulary are kept by the worker. */
declare const self: ServiceWorkerGlobalScope

/** Paths in the site, and a hash over their contents: filled in by vite.config.ts. */
declare const PAGE_FILES: string[]
declare const PAGE_VERSION: string

const scope = new URL(self.registration.scope)
const prefix = `graft-page ${scope.href} `
const cacheName = prefix + PAGE_VERSION
const urls = new Set(PAGE_FILES.map((path) => new URL(path, scope).href))

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
  return (await cache.match(url)) ?? fetch(request)
}

/** The page itself is asked for by its folder. */
function keyOf(request: Request): string {
  const url = new URL(request.url)
  url.search = ''
  url.hash = ''
  return url.href === scope.href ? new URL('index.html', scope).href : url.href
}

self.addEventListener('install', (event) => event.waitUntil(install()))
self.addEventListener('activate', (event) => event.waitUntil(activate()))
self.addEventListener('fetch', (event) => {
  const url = keyOf(event.request)
  if (event.request.method === 'GET' && urls.has(url)) event.respondWith(respond(event.request, url))
})
