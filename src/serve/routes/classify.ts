/** `POST /v1/classify`: Graft's own API. */
import { createRoute, z } from '@hono/zod-openapi'
import { likeliest } from '../../core/classifier.ts'
import { classify, onlyModel } from '../classify.ts'
import type { Parts } from '../context.ts'
import { jsonBody } from '../body.ts'
import {
  adapterName,
  classifyProblems,
  inputs,
  jsonContent,
  labelScore,
  modelName,
  timeoutHeader,
  topK,
} from '../schemas.ts'
import { createRouter } from '../validation.ts'

const bodySchema = (maxInputs: number) =>
  z
    .strictObject({
      inputs: inputs(maxInputs),
      model: modelName.optional().openapi({ description: 'May be left out where only one is served.' }),
      adapter: adapterName.optional().openapi({ description: 'May be left out where the model has only one.' }),
      top_k: topK.optional().openapi({ description: 'Give scores of so many labels; null: of all.' }),
      truncate: z
        .boolean()
        .default(true)
        .openapi({ description: 'Cut texts that are longer than the model takes, or refuse them (false).' }),
    })
    .openapi('ClassifyRequest', {
      example: { inputs: 'You have won a free prize! Call now to claim.', adapter: 'spam' },
    })

const resultSchema = labelScore
  .extend({
    labels: z
      .array(z.string())
      .optional()
      .openapi({ description: 'Of a model that gives several: those whose score reaches their threshold.' }),
    value: z.number().optional().openapi({ description: 'Of a regression: the number.' }),
    scores: z.array(labelScore).optional().openapi({ description: 'The likeliest first; where `top_k` asks for it.' }),
    tokens: z.number().int().openapi({ description: 'Tokens that were read.' }),
    truncated: z.boolean().openapi({ description: 'Whether the text was longer, and its end left out.' }),
  })
  .openapi('ClassifiedText')

const responseSchema = z
  .object({
    model: z.string(),
    adapter: z.string().optional(),
    version: z.string().openapi({
      description: "A SHA-256 of the adapter's weights, configuration, labels and length, or of the merged graph.",
    }),
    results: z.array(resultSchema).openapi({ description: 'One for each text, in their order.' }),
    tokens: z.number().int().openapi({ description: 'Of all texts.' }),
  })
  .openapi('ClassifyResponse')

const route = ({ maxBody, maxInputs }: Parts) =>
  createRoute({
    method: 'post',
    path: '/v1/classify',
    tags: ['Classification'],
    summary: 'Classify texts',
    middleware: jsonBody(maxBody, maxInputs),
    parameters: [timeoutHeader],
    request: { body: { content: jsonContent(bodySchema(maxInputs)), required: true } },
    responses: {
      200: { description: 'What the texts are', content: jsonContent(responseSchema) },
      ...classifyProblems,
    },
  })

export const classifyRoutes = (parts: Parts) =>
  createRouter().openapi(route(parts), async (c) => {
    const { inputs, model = onlyModel(parts.service.models(), 'body'), adapter, top_k, truncate } = c.req.valid('json')
    const texts = [inputs].flat()
    const { results, ...answer } = await classify(c, parts, { model, adapter, texts, truncate })
    const shown = results.map(({ scores, ...result }) =>
      top_k === undefined ? result : { ...result, scores: likeliest(scores, top_k) },
    )
    const tokens = results.reduce((sum, each) => sum + each.tokens, 0)
    return c.json({ ...answer, results: shown, tokens }, 200)
  })
