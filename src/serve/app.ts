/** The HTTP API as a function of its parts: a Hono app that a server runs and a test calls. */
import { OpenAPIHono } from '@hono/zod-openapi'
import { cors } from 'hono/cors'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import { pino } from 'pino'
import { requireKey } from './auth.ts'
import { isClientGone } from './client.ts'
import type { Parts, ServeEnv } from './context.ts'
import { allowHosts } from './host.ts'
import { createMetrics } from './metrics.ts'
import { observeRequests } from './observe.ts'
import { addDescription } from './openapi.ts'
import { RequestError, retryAfter, sendProblem, toRequestError } from './problem.ts'
import { adapterRoutes } from './routes/adapters.ts'
import { classifyRoutes } from './routes/classify.ts'
import { docsHeaders, docsRoutes } from './routes/docs.ts'
import { healthRoutes } from './routes/health.ts'
import { huggingFaceRoutes } from './routes/hugging-face.ts'
import { inferRoutes } from './routes/infer.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { modelRoutes } from './routes/models.ts'

export interface AppOptions extends Partial<Parts> {
  service: Parts['service']
  /** Keys that may ask; without any everybody may. Admin keys may too. */
  apiKeys?: readonly string[]
  /** Sites whose pages may ask; without any none may. */
  corsOrigins?: readonly string[]
  /** Names that the server answers to, besides `localhost` and IP addresses; without a list, to all. */
  allowedHosts?: readonly string[] | undefined
}

/**
 * Makes the app.
 * @example
 * import { createApp, createInference } from 'graft-lora/serve'
 *
 * const bundles = [{ name: 'sentiment', dir: 'runs/merged' }]
 * const service = await createInference({ bundles, workers: 1, maxQueue: 1000, maxBatchTokens: 2048, maxAdapters: 16 })
 * const app = createApp({ service })
 * const body = JSON.stringify({ inputs: 'A film that I loved' })
 * const headers = { 'Content-Type': 'application/json' }
 * const response = await app.request('/v1/classify', { method: 'POST', headers, body })
 * console.log(await response.json())
 * await service.close()
 */
export function createApp({ apiKeys = [], corsOrigins = [], allowedHosts, ...given }: AppOptions) {
  const parts = completeParts(given)
  parts.metrics.watch(parts.service)
  const app = createBase(parts, { apiKeys, corsOrigins, allowedHosts })
  const routes = app
    .route('/', classifyRoutes(parts))
    .route('/', modelRoutes(parts))
    .route('/', adapterRoutes(parts))
    .route('/', huggingFaceRoutes(parts))
    .route('/', healthRoutes(parts))
    .route('/', inferRoutes(parts))
    .route('/', metricsRoutes(parts))
  const hasKeys = apiKeys.length > 0
  const describe = addDescription(app, { hasKeys })
  app.route('/', docsRoutes({ describe, service: parts.service, hasKeys }))
  return routes
}

/** For Hono's typed client: `hc<App>(url)`. */
export type App = ReturnType<typeof createApp>

const completeParts = ({
  service,
  metrics = createMetrics(),
  log = pino({ enabled: false }),
  maxBody = 2 ** 20,
  maxInputs = 256,
  timeoutMs = 30_000,
  adminKeys = [],
}: AppOptions): Parts => ({ service, metrics, log, maxBody, maxInputs, timeoutMs, adminKeys })

type Access = Required<Pick<AppOptions, 'apiKeys' | 'corsOrigins'>> & Pick<AppOptions, 'allowedHosts'>

/** What every request passes: identity, log, headers, keys; and what failures become. */
function createBase(parts: Parts, { apiKeys, corsOrigins, allowedHosts }: Access): OpenAPIHono<ServeEnv> {
  const app = new OpenAPIHono<ServeEnv>()
  app.use(requestId())
  app.use(observeRequests(parts))
  // Outside of the API's, so that it has the last word and those need not ask of each header whether it is there.
  app.use('/docs/*', docsHeaders)
  app.use(
    secureHeaders({
      // Whether there is TLS is for the proxy before this server to say.
      strictTransportSecurity: false,
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    }),
  )
  if (allowedHosts) app.use(allowHosts(allowedHosts))
  if (corsOrigins.length > 0) app.use(allowOrigins(corsOrigins))
  app.use(methodNotAllowed({ app, onMethodNotAllowed: (c, methods) => sendProblem(c, wrongMethod(methods)) }))
  app.use(requireKey(apiKeys.length > 0 ? [...apiKeys, ...parts.adminKeys] : []))
  app.notFound((c) =>
    sendProblem(c, new RequestError(404, 'not-found', 'there is no such route', { hint: 'See /docs.' })),
  )
  app.onError((error, c) => {
    const problem = isClientGone(c) ? clientGone() : toRequestError(error)
    if (problem.status === 500) parts.log.error({ requestId: c.var.requestId, error: error.stack }, 'unexpected error')
    // What waits for longer than a request may is given up.
    const seconds = retryAfter(problem.status, Math.min(parts.service.queueSeconds(), parts.timeoutMs / 1000))
    if (seconds !== undefined) c.header('Retry-After', `${seconds}`)
    return sendProblem(c, problem)
  })
  return app
}

const allowOrigins = (origins: readonly string[]) =>
  cors({
    origin: [...origins],
    allowMethods: ['GET', 'POST', 'PUT', 'DELETE'],
    allowHeaders: ['Authorization', 'Content-Type', 'X-Request-Id', 'X-Timeout-Ms'],
    exposeHeaders: ['Retry-After', 'X-Request-Id'],
  })

const wrongMethod = (methods: readonly string[]) =>
  new RequestError(405, 'method-not-allowed', 'the route does not have this method', {
    hint: `Use ${methods.join(' or ')}.`,
    headers: { Allow: methods.join(', ') },
  })

/** Nobody reads this; the log does. The number is nginx'. */
const clientGone = () => new RequestError(499, 'client-gone', 'the client closed the connection')
