/** The description of the API, made of the routes' schemas. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ServeEnv } from './context.ts'
import type { ApiDocument } from './docs/document.ts'
import { version } from './routes/health.ts'

const description = `Classifies texts with small GPT models and LoRA adapters, which come and go while the server runs.

Errors are \`application/problem+json\`: \`code\` is stable, \`errors\` names the fields at fault. Every answer has an
\`X-Request-Id\`. Where keys are set, send \`Authorization: Bearer <key>\`; changing adapters takes an admin key.`

/** Adds `GET /openapi.json`, and gives the document. */
export function addDescription(app: OpenAPIHono<ServeEnv>, { hasKeys }: { hasKeys: boolean }): () => ApiDocument {
  const registry = app.openAPIRegistry
  const bearer = { type: 'http', scheme: 'bearer' } as const
  registry.registerComponent('securitySchemes', 'adminKey', bearer)
  if (hasKeys) registry.registerComponent('securitySchemes', 'apiKey', bearer)
  const config = {
    openapi: '3.1.0',
    info: { title: 'Graft', version, description },
    ...(hasKeys && { security: [{ apiKey: [] }] }),
  }
  let document: ApiDocument | undefined // Tens of milliseconds: made once.
  // What the routes' schemas can become is a part of what OpenAPI allows.
  const describe = () => (document ??= app.getOpenAPI31Document(config) as unknown as ApiDocument)
  app.get('/openapi.json', (c) => c.json(describe()))
  return describe
}
