/** `GET /docs`: the API to read and to try. All of it comes from here, and asks no other site: it works without a network. */
import { Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import type { ServeEnv } from '../context.ts'
import type { ApiDocument } from '../docs/document.ts'
import { docsPage } from '../docs/page.ts'
import { script } from '../docs/script.ts'
import { style } from '../docs/style.ts'
import type { InferenceService } from '../service.ts'

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke-width="3.4" stroke-linecap="round"><rect width="32" height="32" rx="8" fill="#1d6b4a"/><path d="M16 26V15" stroke="#fff"/><path d="M16 16c0-5-3-8-8-8 0 5 3 8 8 8Z" fill="#fff"/><path d="M16 20c0-4 3-7 8-7 0 4-3 7-8 7Z" fill="#a8dfc2"/></svg>`

export const docsHeaders = secureHeaders({
  strictTransportSecurity: false,
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
})

export interface DocsOptions {
  describe(): ApiDocument
  service: Pick<InferenceService, 'models'>
  hasKeys: boolean
}

export function docsRoutes({ describe, service, hasKeys }: DocsOptions) {
  const app = new Hono<ServeEnv>()
    // Relative, so that they hold where a proxy puts the server under a path.
    .get('/', (c) => c.redirect('docs'))
    .get('/docs/', (c) => c.redirect('../docs'))
    .get('/docs', (c) => {
      const { origin } = new URL(c.req.url)
      const models = hasKeys ? [] : service.models()
      return c.html(docsPage({ document: describe(), models, hasKeys, origin }))
    })
  const assets = [
    ['style.css', 'text/css', style],
    ['script.js', 'text/javascript', script],
    ['icon.svg', 'image/svg+xml', icon],
  ] as const
  for (const [name, type, text] of assets) {
    app.get(`/docs/${name}`, (c) => c.body(text, 200, { 'Content-Type': `${type}; charset=utf-8` }))
  }
  return app
}
