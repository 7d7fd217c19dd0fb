/** From a checked request of any of the APIs to the service and back: model, deadline, cancellation, best labels. */
import type { Context } from 'hono'
import { clientSignal } from './client.ts'
import type { Parts, ServeEnv } from './context.ts'
import { invalidRequest } from './problem.ts'
import { timeoutHeader, wholeMilliseconds } from './schemas.ts'
import type { ClassifyRequest, ClassifyResult, ModelStatus } from './service.ts'

/**
 * The only one of the models that can be meant where none is named.
 * @throws RequestError 400 where there is none, or more than one
 */
export function onlyModel(models: readonly ModelStatus[], place: 'body' | 'query'): string {
  const [first, second] = models
  if (first && !second) return first.name
  const message = first
    ? `name one of ${models.map(({ name }) => name).join(', ')}`
    : 'no model here takes adapters: all are merged'
  throw invalidRequest([{ in: place, path: 'model', message }])
}

type Request = Pick<ClassifyRequest, 'model' | 'adapter' | 'texts' | 'truncate'>

/** Classifies until the client's or the server's deadline, or until the client is gone. */
export async function classify(
  c: Context<ServeEnv>,
  { service, metrics, timeoutMs }: Parts,
  request: Request,
): Promise<ClassifyResult> {
  const limit = Math.min(timeoutMs, askedTimeout(c))
  const result = await service.classify({ ...request, signal: clientSignal(c), deadline: c.get('started') + limit })
  const tokens = result.results.reduce((sum, each) => sum + each.tokens, 0)
  const { model, adapter } = result
  c.set('facts', { model, adapter, texts: request.texts.length, tokens })
  metrics.texts.inc({ model }, request.texts.length)
  return result
}

/**
 * Milliseconds that the client waits.
 * @throws RequestError 400
 */
function askedTimeout(c: Context<ServeEnv>): number {
  const asked = c.req.header(timeoutHeader.name)
  if (asked === undefined) return Infinity
  if (wholeMilliseconds.test(asked)) return Number(asked)
  const error = { in: timeoutHeader.in, path: timeoutHeader.name, message: 'is not a whole number of milliseconds' }
  throw invalidRequest([error])
}
