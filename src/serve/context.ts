/** What the app is made of, and what a request carries with it from handler to handler. */
import type { Logger } from 'pino'
import type { Connection } from './client.ts'
import type { Metrics } from './metrics.ts'
import type { InferenceService } from './service.ts'

/** What Hono carries with one request. */
export interface ServeEnv {
  Bindings: Connection
  Variables: {
    requestId: string
    /** `performance.now()` when the request came. */
    started: number
    /** Code of the problem that it was answered with. */
    code?: string
    /** What was asked for, for the log: never a text. */
    facts?: { model: string; adapter?: string | undefined; texts: number; tokens: number }
  }
}

/** What the routes need. */
export interface Parts {
  service: InferenceService
  metrics: Metrics
  log: Logger
  /** Bytes of a body; an upload of an adapter has a limit of its own. */
  maxBody: number
  /** Texts in one request. */
  maxInputs: number
  /** Milliseconds after which a request is given up; its `X-Timeout-Ms` can shorten that. */
  timeoutMs: number
  /** Keys that may change state; none: nobody may. */
  adminKeys: readonly string[]
}
