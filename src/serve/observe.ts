/** One log line and one measurement for each request: never a text, a key, or a query. */
import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import type { Parts, ServeEnv } from './context.ts'

/** The pattern of the route, such as `/v1/adapters/:name`: a path itself could be anything. */
const unmatched = 'unmatched'

/** Logs and measures requests. */
export function observeRequests({ metrics, log }: Pick<Parts, 'metrics' | 'log'>): MiddlewareHandler<ServeEnv> {
  return async (c, next) => {
    const started = performance.now()
    c.set('started', started)
    metrics.active.inc()
    try {
      await next()
    } finally {
      metrics.active.dec()
      const [{ method }, { status }, path] = [c.req, c.res, routePath(c, -1)]
      const [route, seconds] = [path.includes('*') ? unmatched : path, (performance.now() - started) / 1000]
      // `c.var` would make an object of all variables each time.
      const [requestId, code, facts] = [c.get('requestId'), c.get('code'), c.get('facts')]
      metrics.requests.observe(
        { http_request_method: knownMethod(method), http_route: route, http_response_status_code: status },
        seconds,
      )
      log.info({ requestId, method, route, status, seconds, code, ...facts }, 'request')
    }
  }
}

/** OpenTelemetry's list: a method is the client's choice, and must not make new time series. */
const methods = ['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']
const knownMethod = (method: string) => (methods.includes(method) ? method : '_OTHER')
