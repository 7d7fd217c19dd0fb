/** Serves a site as a careful static host would, for a look at it and for tests. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import sirv from 'sirv'

/** All that the page needs, and no more; README names it for other hosts. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export const siteHeaders = {
  'Content-Security-Policy': contentSecurityPolicy,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

/** With these a page is cross-origin isolated, and ONNX Runtime may use several threads. */
export const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

export interface ServeSiteOptions {
  /** Any that is free by default. */
  port?: number
  /** Sent with every answer. */
  headers?: Record<string, string>
  /** Path under which the site lies, with slashes around it. */
  base?: string
  /** Called after each answer. */
  onResponse?: (path: string, status: number) => void
}

export interface RunningSite {
  url: string
  close(): Promise<void>
}

/** Serves a folder on this machine alone. */
export async function serveSite(
  dir: string,
  { port = 0, headers = siteHeaders, base = '/', onResponse }: ServeSiteOptions = {},
): Promise<RunningSite> {
  // Files are looked up at each request, and browsers ask whether they have changed.
  const files = sirv(dir, { dev: true, etag: true })
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    response.on('finish', () => onResponse?.(path, response.statusCode))
    if (!path.startsWith(base)) return response.writeHead(404).end()
    request.url = path.slice(base.length - 1)
    files(request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const { port: used } = server.address() as AddressInfo // it listens on a port
  return {
    url: `http://127.0.0.1:${used}${base}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
