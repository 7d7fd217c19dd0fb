/** `GET /metrics`: for Prometheus to scrape. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Parts } from '../context.ts'
import { problems } from '../schemas.ts'
import { createRouter } from '../validation.ts'

const route = createRoute({
  method: 'get',
  path: '/metrics',
  tags: ['Server'],
  summary: "Metrics in Prometheus' text format",
  responses: {
    200: { description: 'The metrics', content: { 'text/plain': { schema: z.string() } } },
    ...problems(401),
  },
})

export const metricsRoutes = ({ metrics: { registry } }: Parts) =>
  createRouter().openapi(route, async (c) =>
    c.text(await registry.metrics(), 200, { 'Content-Type': registry.contentType }),
  )
