/** Failures as `application/problem+json` (RFC 9457): one shape and one mapping for every route. */
import { STATUS_CODES } from 'node:http'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type ErrorCode, GraftError } from '../core/errors.ts'
import type { ServeEnv } from './context.ts'

const fieldSchema = z.object({
  in: z.enum(['body', 'query', 'header', 'path']),
  path: z.string().openapi({ example: 'inputs.1' }),
  message: z.string(),
})

/** One field at fault. */
export type FieldError = z.infer<typeof fieldSchema>

export const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string().openapi({ example: 'Not Found' }),
    status: z.number().int().openapi({ example: 404 }),
    detail: z.string(),
    code: z.string().openapi({ description: 'Stable: programs may match on it.', example: 'serve-adapter' }),
    hint: z.string().optional(),
    errors: z.array(fieldSchema).optional().openapi({ description: 'The fields at fault.' }),
    requestId: z.string(),
    error: z.string().openapi({ description: '`detail`, where clients of Hugging Face and KServe look for it.' }),
  })
  .openapi('Problem')

export type Problem = z.infer<typeof problemSchema>

interface RequestErrorOptions {
  hint?: string
  errors?: FieldError[]
  headers?: Record<string, string>
}

/** A request that cannot be answered for reasons of HTTP: the rest are GraftErrors. */
export class RequestError extends Error {
  readonly status: number
  readonly code: string
  readonly options: RequestErrorOptions

  constructor(status: number, code: string, detail: string, options: RequestErrorOptions = {}) {
    super(detail)
    this.name = 'RequestError'
    this.status = status
    this.code = code
    this.options = options
  }
}

/** A request whose fields are at fault. */
export function invalidRequest(errors: FieldError[]): RequestError {
  const [first] = errors
  const detail = first?.path ? `${first.path}: ${first.message}` : (first?.message ?? 'the request is not valid')
  return new RequestError(400, 'invalid-request', detail, { errors: errors.slice(0, 20), hint: 'See /docs.' })
}

/** Codes that are the request's fault, or the moment's. All others are the server's: 500, without the details. */
const statuses: Partial<Record<ErrorCode, number>> = {
  'serve-model': 404,
  'serve-adapter': 404,
  'file-not-found': 404,
  'file-exists': 409,
  'file-locked': 409,
  'serve-too-long': 400,
  'text-empty': 400,
  usage: 400,
  adapter: 400,
  'adapter-base': 400,
  'file-format': 400,
  safetensors: 400,
  'serve-overloaded': 429,
  'serve-closed': 503,
  'serve-worker': 503,
  'serve-timeout': 504,
}

/**
 * Whole seconds after which a client that was turned away may try again.
 * @param queueSeconds in which what is waiting is worked off
 */
export function retryAfter(status: number, queueSeconds: number): number | undefined {
  if (status === 429) return Math.max(1, Math.ceil(queueSeconds))
  // A worker that died is up again by then.
  return status === 503 ? 5 : undefined
}

/** What Hono throws itself: bodies that do not parse, and types that a route does not take. */
const exceptionCodes: Record<number, string> = { 400: 'invalid-body', 415: 'unsupported-media-type' }

/** The error as the client may see it; `status` 500 where it is a defect of the server. */
export function toRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error
  if (error instanceof HTTPException) {
    return new RequestError(error.status, exceptionCodes[error.status] ?? 'http', error.message)
  }
  const status = error instanceof GraftError ? statuses[error.code] : undefined
  if (error instanceof GraftError && status !== undefined) {
    return new RequestError(status, error.code, error.message, { hint: error.hint })
  }
  return new RequestError(500, 'unexpected', 'the server failed at this request; its log says why')
}

/** A message may repeat a value at fault, of any length. */
const MOST_SHOWN = 1000

/** The beginning of a text that is too long to be read. */
export const shorten = (text: string): string => (text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text)

/** The answer to a request that failed. */
export function sendProblem(c: Context<ServeEnv>, { status, code, message: whole, options }: RequestError): Response {
  const { hint, headers } = options
  const message = shorten(whole)
  const errors = options.errors?.map((each) => ({ ...each, path: shorten(each.path), message: shorten(each.message) }))
  const [title, requestId] = [STATUS_CODES[status] ?? 'Client Closed Request', c.var.requestId]
  const problem: Problem = {
    type: 'about:blank',
    title,
    status,
    detail: message,
    code,
    hint,
    errors,
    requestId,
    error: message,
  }
  c.set('code', code)
  return c.body(JSON.stringify(problem), status as ContentfulStatusCode, {
    'Content-Type': 'application/problem+json',
    ...headers,
  })
}
