/**
 * Bundles over HTTP: `createInference` runs them in worker threads, `createApp` makes the Hono app that asks it, and
 * `startServer` opens the port. `App` is the type for Hono's client.
 */
export { type ErrorCode, GraftError } from '../core/errors.ts'
export { type App, type AppOptions, createApp } from './app.ts'
export { parseKeys } from './auth.ts'
export { createInference, type InferenceOptions } from './inference.ts'
export { createLog, type Log, type LogOptions } from './log.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export { type RunningServer, type ServerOptions, startServer } from './server.ts'
export type * from './service.ts'
export { type WatchOptions, type Watcher, watchAdapters } from './watch.ts'
