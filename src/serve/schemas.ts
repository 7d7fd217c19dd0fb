/** Schemas that several routes share. */
import { z } from '@hono/zod-openapi'
import { type TaskSpec, problemTypes, taskFields } from '../core/task.ts'
import { problemSchema } from './problem.ts'

/** An adapter's name: an allow-list, so that it can stand in a URL, a log line and a metric. It never becomes a path. */
export const adapterName = z
  .string()
  .regex(/^\w[\w.-]{0,127}$/, 'is not an adapter name: letters, digits, _ - and . only, at most 128')
  .openapi({ example: 'spam' })

export const modelName = z.string().min(1).max(256).openapi({ example: 'quickstart' })

const text = z
  .string()
  .refine((value) => value.trim() !== '', 'is empty')
  .openapi({ example: 'You have won a free prize! Call now to claim.' })

/** One text or several. */
export const inputs = (maxInputs: number) => z.union([text, z.array(text).min(1).max(maxInputs)])

export const labelScore = z
  .object({
    label: z.string().openapi({ example: 'spam' }),
    score: z.number().openapi({ description: 'Probability of the label; of a regression, the number.', example: 0.98 }),
  })
  .openapi('LabelScore')

/** What a model or an adapter answers with. */
export const taskShape = {
  labels: z.array(z.string()),
  problemType: z
    .enum(problemTypes)
    .optional()
    .openapi({ description: 'As transformers names it; left out where each text has one label.' }),
  thresholds: z
    .array(z.number())
    .optional()
    .openapi({ description: 'Of several labels a text: the score from which on it has each.' }),
}

/** Something with the fields of `taskShape` copied. */
export const withTask = <Status extends TaskSpec>({ labels, problemType, thresholds, ...others }: Status) => ({
  ...others,
  labels: [...labels],
  ...taskFields({ problemType, thresholds }),
})

/** `null`: all labels. */
export const topK = z.number().int().min(1).nullable()

/** What `timeoutHeader` may hold. */
export const wholeMilliseconds = /^[1-9]\d{0,8}$/

/**
 * A client that waits no longer than this says so. Only described here, and read by `classify`: for a schema of headers the
 * library copies all that a request has, which was a tenth of the main thread's work.
 */
export const timeoutHeader = {
  in: 'header' as const,
  name: 'x-timeout-ms',
  schema: { type: 'string' as const, pattern: wholeMilliseconds.source },
  description: 'Give the request up after so many milliseconds (504).',
}

export const jsonContent = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } })

const reasons = {
  400: 'The request is not valid: `errors` names the fields',
  401: 'The key is missing or wrong',
  403: 'The key may not do this',
  404: 'There is no such model or adapter',
  413: 'The body is too large',
  415: 'The body is of another type',
  429: 'The queue is full: try again after `Retry-After` seconds',
  503: 'The model is not ready, or the server is about to end',
  504: 'The deadline has passed',
}

type ProblemStatus = keyof typeof reasons
type ProblemResponse = {
  description: string
  content: { 'application/problem+json': { schema: typeof problemSchema } }
}

/** The problems that a route may answer with, for its description. */
export const problems = <S extends ProblemStatus>(...codes: S[]) =>
  Object.fromEntries(
    codes.map((code) => [
      code,
      { description: reasons[code], content: { 'application/problem+json': { schema: problemSchema } } },
    ]),
  ) as Record<S, ProblemResponse>

/** Of every route that classifies. */
export const classifyProblems = problems(400, 401, 404, 413, 415, 429, 503, 504)
