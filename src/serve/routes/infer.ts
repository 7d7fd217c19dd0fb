/** `POST /v2/models/{model}/infer`: inference as KServe's Open Inference Protocol has it; texts in, labels and scores out. */
import { createRoute, z } from '@hono/zod-openapi'
import { classify } from '../classify.ts'
import type { Parts } from '../context.ts'
import { jsonBody } from '../body.ts'
import { adapterName, classifyProblems, jsonContent, modelName, timeoutHeader } from '../schemas.ts'
import type { ClassifiedText, ClassifyResult } from '../service.ts'
import { createRouter } from '../validation.ts'

const outputNames = ['label', 'score', 'scores', 'labels'] as const

const inputSchema = (maxInputs: number) =>
  z
    .object({
      name: z.string(),
      datatype: z.literal('BYTES'),
      shape: z.array(z.number().int().nonnegative()).min(1).max(2),
      data: z
        .array(z.string().refine((text) => text.trim() !== '', 'is empty'))
        .min(1)
        .max(maxInputs),
    })
    .refine(({ shape, data }) => shape.reduce((a, b) => a * b, 1) === data.length, {
      path: ['shape'],
      message: 'is not that of the data',
    })
    .openapi('KServeInput', {
      example: { name: 'text', datatype: 'BYTES', shape: [1], data: ['You have won a free prize! Call now to claim.'] },
    })

const bodySchema = (maxInputs: number) =>
  z
    .object({
      id: z.string().max(256).optional(),
      inputs: z.array(inputSchema(maxInputs)).length(1, 'one input is expected: the texts'),
      outputs: z
        .array(z.object({ name: z.enum(outputNames) }))
        .min(1)
        .optional()
        .openapi({ description: 'Which outputs to give (default: all; labels only where a text may have several).' }),
      parameters: z.object({ adapter: adapterName.optional(), truncate: z.boolean().optional() }).optional(),
    })
    .openapi('KServeRequest')

const outputSchema = z
  .object({
    name: z.enum(outputNames),
    datatype: z.enum(['BYTES', 'FP32']),
    shape: z.array(z.number().int()),
    data: z.union([z.array(z.string()), z.array(z.number())]),
    parameters: z.object({ labels: z.string() }).optional().openapi({ description: "The columns' names, as JSON." }),
  })
  .openapi('KServeOutput')

type Output = z.infer<typeof outputSchema>

const responseSchema = z
  .object({
    id: z.string().optional(),
    model_name: z.string(),
    model_version: z.string(),
    outputs: z.array(outputSchema),
  })
  .openapi('KServeResponse')

const route = ({ maxBody, maxInputs }: Parts) =>
  createRoute({
    method: 'post',
    path: '/v2/models/{model}/infer',
    tags: ['KServe'],
    summary: 'Classify texts as the Open Inference Protocol does',
    middleware: jsonBody(maxBody, maxInputs),
    parameters: [timeoutHeader],
    request: {
      params: z.object({ model: modelName }),
      body: { content: jsonContent(bodySchema(maxInputs)), required: true },
    },
    responses: {
      200: { description: 'What the texts are', content: jsonContent(responseSchema) },
      ...classifyProblems,
    },
  })

/** Of texts that may have several labels: those of each as a list in JSON. */
const labelsOutput = (results: readonly ClassifiedText[]): Output => ({
  name: 'labels',
  datatype: 'BYTES',
  shape: [results.length],
  data: results.map(({ label, labels = [label] }) => JSON.stringify(labels)),
})

/** The protocol's parameters are strings, numbers and booleans, so that label names are a JSON text. */
const toOutput: Record<Output['name'], (results: readonly ClassifiedText[]) => Output> = {
  label: (results) => ({
    name: 'label',
    datatype: 'BYTES',
    shape: [results.length],
    data: results.map(({ label }) => label),
  }),
  score: (results) => ({
    name: 'score',
    datatype: 'FP32',
    shape: [results.length],
    data: results.map(({ score }) => score),
  }),
  labels: labelsOutput,
  scores: (results) => {
    const labels = results[0]?.scores.map(({ label }) => label) ?? []
    return {
      name: 'scores',
      datatype: 'FP32',
      shape: [results.length, labels.length],
      data: results.flatMap(({ scores }) => scores.map(({ score }) => score)),
      parameters: { labels: JSON.stringify(labels) },
    }
  },
}

const toResponse = ({ model, version, results }: ClassifyResult, names: readonly Output['name'][], id?: string) => ({
  id,
  model_name: model,
  model_version: version,
  outputs: names.map((name) => toOutput[name](results)),
})

export const inferRoutes = (parts: Parts) =>
  createRouter().openapi(route(parts), async (c) => {
    const { id, inputs, outputs, parameters } = c.req.valid('json')
    const { model } = c.req.valid('param')
    const { adapter, truncate = true } = parameters ?? {}
    const texts = inputs.flatMap(({ data }) => data)
    const result = await classify(c, parts, { model, adapter, texts, truncate })
    const usual = outputNames.filter((name) => name !== 'labels' || result.results[0]?.labels)
    return c.json(toResponse(result, outputs?.map(({ name }) => name) ?? usual, id), 200)
  })
