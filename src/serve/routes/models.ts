/** `GET /v1/models` and `GET /v1/adapters`: what is served. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Parts } from '../context.ts'
import { jsonContent, problems, taskShape, withTask } from '../schemas.ts'
import { createRouter } from '../validation.ts'

export const adapterSchema = z
  .object({
    name: z.string(),
    version: z
      .string()
      .openapi({ description: 'A SHA-256 of its weights, configuration, labels and length together.' }),
    ...taskShape,
    maxLength: z.number().int().openapi({ description: 'Tokens after which texts are cut.' }),
    resident: z
      .boolean()
      .openapi({ description: 'Whether it is in memory; one that was evicted comes back when it is asked for.' }),
  })
  .openapi('Adapter')

const modelSchema = z
  .object({
    name: z.string(),
    kind: z.enum(['merged', 'unmerged']),
    ready: z.boolean(),
    maxLength: z.number().int(),
    ...z.object(taskShape).partial().shape,
    adapters: z.array(adapterSchema),
  })
  .openapi('Model')

const modelsRoute = createRoute({
  method: 'get',
  path: '/v1/models',
  tags: ['Models and adapters'],
  summary: 'List the models',
  responses: {
    200: { description: 'The models', content: jsonContent(z.object({ models: z.array(modelSchema) })) },
    ...problems(401),
  },
})

const adapterOfModel = adapterSchema.extend({ model: z.string() })

const adaptersRoute = createRoute({
  method: 'get',
  path: '/v1/adapters',
  tags: ['Models and adapters'],
  summary: 'List the adapters',
  responses: {
    200: { description: 'The adapters', content: jsonContent(z.object({ adapters: z.array(adapterOfModel) })) },
    ...problems(401),
  },
})

export const modelRoutes = ({ service }: Parts) =>
  createRouter()
    .openapi(modelsRoute, (c) => {
      const models = service.models().map(({ labels, problemType, thresholds, ...model }) => ({
        ...model,
        ...(labels && withTask({ labels, problemType, thresholds })),
        adapters: model.adapters.map(withTask),
      }))
      return c.json({ models }, 200)
    })
    .openapi(adaptersRoute, (c) => {
      const adapters = service
        .models()
        .flatMap(({ name: model, adapters }) => adapters.map((adapter) => ({ model, ...withTask(adapter) })))
      return c.json({ adapters }, 200)
    })
