/**
 * `POST /models/{name}`: text classification as Hugging Face's inference API has it, for its clients. An adapter is
 * named as a repository within an organization is: `/models/{name}/{adapter}`.
 * https://huggingface.co/docs/inference-providers/tasks/text-classification
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { likeliest } from '../../core/classifier.ts'
import type { Answer } from '../../core/task.ts'
import { classify } from '../classify.ts'
import type { Parts, ServeEnv } from '../context.ts'
import { jsonBody } from '../body.ts'
import { invalidRequest } from '../problem.ts'
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
    .object({
      inputs: inputs(maxInputs),
      parameters: z
        .object({
          top_k: topK.optional(),
          truncation: z.boolean().optional(),
          function_to_apply: z.enum(['softmax', 'sigmoid', 'none']).optional().openapi({
            description: "Softmax; sigmoid of several labels a text; none of a regression: the model's own.",
          }),
        })
        .nullish(),
    })
    .openapi('TextClassificationRequest')

type Body = z.infer<ReturnType<typeof bodySchema>>

const route = <P extends string, T extends z.ZodObject>({ maxBody, maxInputs }: Parts, path: P, params: T) =>
  createRoute({
    method: 'post',
    path,
    tags: ['Hugging Face'],
    summary: 'Classify texts as Hugging Face does',
    middleware: jsonBody(maxBody, maxInputs),
    parameters: [timeoutHeader],
    request: {
      params,
      body: { content: jsonContent(bodySchema(maxInputs)), required: true },
    },
    responses: {
      200: {
        description: 'For each text the labels, the likeliest first',
        content: jsonContent(z.array(z.array(labelScore))),
      },
      ...classifyProblems,
    },
  })

/** @throws RequestError 400 for another function than the model's scores are made with */
function checkFunction(asked: string | undefined, { labels, value }: Pick<Answer, 'labels' | 'value'> = {}): void {
  const own = value !== undefined ? 'none' : labels ? 'sigmoid' : 'softmax'
  if (asked === undefined || asked === own) return
  const message = `only ${own} is supported by this model`
  throw invalidRequest([{ in: 'body', path: 'parameters.function_to_apply', message }])
}

const nameParams = z.object({ name: modelName })
const adapterParams = z.object({ name: modelName, adapter: adapterName })

export function huggingFaceRoutes(parts: Parts) {
  async function answer(c: Context<ServeEnv>, { inputs, parameters }: Body, model: string, adapter?: string) {
    const truncate = parameters?.truncation ?? true
    const { results } = await classify(c, parts, { model, adapter, texts: [inputs].flat(), truncate })
    checkFunction(parameters?.function_to_apply, results[0])
    return results.map(({ scores }) => likeliest(scores, parameters?.top_k))
  }
  return createRouter()
    .openapi(route(parts, '/models/{name}', nameParams), async (c) =>
      c.json(await answer(c, c.req.valid('json'), c.req.valid('param').name), 200),
    )
    .openapi(route(parts, '/models/{name}/{adapter}', adapterParams), async (c) => {
      const { name, adapter } = c.req.valid('param')
      return c.json(await answer(c, c.req.valid('json'), name, adapter), 200)
    })
    .all('/models/:name/', () => {
      throw invalidRequest([{ in: 'path', path: 'adapter', message: 'is missing: /models/NAME/ADAPTER' }])
    })
}
