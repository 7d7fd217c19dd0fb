/** `GET /docs`: the API's description to browse and try. All of it is served from here: it works without a network. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import type { ServeEnv } from '../context.ts'

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Graft API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
`

const script = `SwaggerUIBundle({ url: 'openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null })\n`

const assets = { 'swagger-ui.css': 'text/css', 'swagger-ui-bundle.js': 'text/javascript' }

/** Swagger UI sets styles from its script; it needs nothing else that the API's strict headers forbid. */
export const docsHeaders = secureHeaders({
  strictTransportSecurity: false,
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
})

export function docsRoutes() {
  const { resolve } = createRequire(import.meta.url)
  const app = new Hono<ServeEnv>()
    .get('/docs', (c) => c.html(page))
    .get('/docs/start.js', (c) => c.body(script, 200, { 'Content-Type': 'text/javascript' }))
  for (const [name, type] of Object.entries(assets)) {
    app.get(`/docs/${name}`, async (c) =>
      c.body(await readFile(resolve(`swagger-ui-dist/${name}`), 'utf8'), 200, {
        'Content-Type': type,
        'Cache-Control': 'max-age=3600',
      }),
    )
  }
  return app
}
