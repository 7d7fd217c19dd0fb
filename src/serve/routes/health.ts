/** KServe's health and metadata: https://github.com/kserve/open-inference-protocol */
import { createRequire } from 'node:module'
import { createRoute, z } from '@hono/zod-openapi'
import { GraftError } from '../../core/errors.ts'
import type { Parts } from '../context.ts'
import { jsonContent, modelName, problems } from '../schemas.ts'
import type { ModelStatus } from '../service.ts'
import { createRouter } from '../validation.ts'

/** Of this package. */
export const { version }: { version: string } = createRequire(import.meta.url)('../../../package.json')

const tags = ['KServe']
const params = z.object({ model: modelName })
const tensor = z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.number().int()) })
const readySchema = z.object({ name: z.string(), ready: z.literal(true) })
const modelSchema = z
  .object({
    name: z.string(),
    platform: z.string(),
    inputs: z.array(tensor),
    outputs: z.array(tensor),
  })
  .openapi('KServeModel')
const serverSchema = z.object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) })

const liveRoute = createRoute({
  method: 'get',
  path: '/v2/health/live',
  tags,
  summary: 'Is the server alive?',
  responses: { 200: { description: 'It is', content: jsonContent(z.object({ live: z.literal(true) })) } },
})

const readyRoute = createRoute({
  method: 'get',
  path: '/v2/health/ready',
  tags,
  summary: 'Can requests be answered?',
  responses: {
    200: { description: 'They can', content: jsonContent(z.object({ ready: z.literal(true) })) },
    ...problems(503),
  },
})

const serverRoute = createRoute({
  method: 'get',
  path: '/v2',
  tags,
  summary: 'Name and version of the server',
  responses: { 200: { description: 'They are', content: jsonContent(serverSchema) }, ...problems(401) },
})

const modelRoute = createRoute({
  method: 'get',
  path: '/v2/models/{model}',
  tags,
  summary: 'Inputs and outputs of a model',
  request: { params },
  responses: { 200: { description: 'They are', content: jsonContent(modelSchema) }, ...problems(401, 404) },
})

const modelReadyRoute = createRoute({
  method: 'get',
  path: '/v2/models/{model}/ready',
  tags,
  summary: 'Can requests to a model be answered?',
  request: { params },
  responses: { 200: { description: 'They can', content: jsonContent(readySchema) }, ...problems(401, 404, 503) },
})

const notReady = (what: string) =>
  new GraftError('serve-closed', `${what} is not ready`, { hint: 'Try again in a few seconds.' })

/** @throws GraftError `serve-model` */
function findModel(models: readonly ModelStatus[], name: string): ModelStatus {
  const model = models.find((each) => each.name === name)
  if (model) return model
  throw new GraftError('serve-model', `there is no model ${JSON.stringify(name)}`, {
    hint: `Served are: ${models.map(({ name }) => name).join(', ')}.`,
    value: name,
  })
}

export function healthRoutes({ service }: Parts) {
  return createRouter()
    .openapi(liveRoute, (c) => c.json({ live: true as const }, 200))
    .openapi(readyRoute, (c) => {
      if (!service.ready()) throw notReady('the server')
      return c.json({ ready: true as const }, 200)
    })
    .openapi(serverRoute, (c) => c.json({ name: 'graft', version, extensions: [] }, 200))
    .openapi(modelRoute, (c) => {
      const { name } = findModel(service.models(), c.req.valid('param').model)
      const inputs = [{ name: 'text', datatype: 'BYTES', shape: [-1] }]
      const outputs = [
        { name: 'label', datatype: 'BYTES', shape: [-1] },
        { name: 'score', datatype: 'FP32', shape: [-1] },
        { name: 'scores', datatype: 'FP32', shape: [-1, -1] },
      ]
      return c.json({ name, platform: 'onnxruntime_onnx', inputs, outputs }, 200)
    })
    .openapi(modelReadyRoute, (c) => {
      const { name, ready } = findModel(service.models(), c.req.valid('param').model)
      if (!ready || !service.ready()) throw notReady(name)
      return c.json({ name, ready: true as const }, 200)
    })
}
