/** The description of the API, made of the routes' schemas. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ServeEnv } from './context.ts'
import { version } from './routes/health.ts'

const description = `Classifies texts with small GPT models and LoRA adapters, which come and go while the server runs.

Errors are \`application/problem+json\`: \`code\` is stable, \`errors\` names the fields at fault. Every answer has an
\`X-Request-Id\`. Where keys are set, send \`Authorization: Bearer <key>\`; changing adapters takes an admin key.`

/** Adds `GET /openapi.json`. */
export function addDescription(app: OpenAPIHono<ServeEnv>, { hasKeys }: { hasKeys: boolean }): void {
  const registry = app.openAPIRegistry
  const bearer = { type: 'http', scheme: 'bearer' } as const
  registry.registerComponent('securitySchemes', 'adminKey', bearer)
  if (hasKeys) registry.registerComponent('securitySchemes', 'apiKey', bearer)
  const config = {
    openapi: '3.1.0',
    info: { title: 'Graft', version, description },
    ...(hasKeys && { security: [{ apiKey: [] }] }),
  }
  let document: ReturnType<typeof app.getOpenAPI31Document> | undefined // Tens of milliseconds: made once.
  app.get('/openapi.json', (c) => c.json((document ??= app.getOpenAPI31Document(config))))
}
