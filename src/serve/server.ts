/** Opens the port, and closes it so that every accepted request gets its answer. */
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { GraftError } from '../core/errors.ts'
import type { Connection } from './client.ts'

export interface ServerOptions {
  app: { fetch(request: Request, connection: Connection): Response | Promise<Response> }
  /** 0: any that is free. */
  port: number
  host: string
  /** Milliseconds in which a whole request must have come (408). */
  requestTimeout?: number
  /** Milliseconds after which a connection on which nothing moves is ended, such as one whose client does not read. */
  idleTimeout?: number
  /**
   * Milliseconds for which a connection without a request is kept. Longer than proxies keep theirs, which is 60 seconds with most: else one
   * sends a request into a connection that is just being closed.
   */
  keepAliveTimeout?: number
}

export interface RunningServer {
  url: string
  /** Takes no more connections; resolves when every request that has come is answered. */
  close(): Promise<void>
}

/**
 * Listens.
 * @throws GraftError `network` where the port cannot be had
 * @example
 * import { createApp, createInference, startServer } from 'graft-lora/serve'
 *
 * const bundles = [{ name: 'sentiment', dir: 'runs/merged' }]
 * const service = await createInference({ bundles, workers: 1, maxQueue: 1000, maxBatchTokens: 2048, maxAdapters: 16 })
 * const server = await startServer({ app: createApp({ service }), port: 0, host: '127.0.0.1' })
 * console.log(server.url)
 * await server.close()
 * await service.close()
 */
export async function startServer({
  app,
  port,
  host,
  requestTimeout = 60_000,
  idleTimeout = 120_000,
  keepAliveTimeout = 75_000,
}: ServerOptions): Promise<RunningServer> {
  const serverOptions = {
    requestTimeout,
    headersTimeout: Math.min(requestTimeout, 10_000),
    keepAliveTimeout,
    connectionsCheckingInterval: Math.min(requestTimeout / 2, 5_000),
  }
  const server = createAdaptorServer({
    fetch: (request, connection) => app.fetch(request, connection as Connection),
    // Where a request names none, as HTTP/1.0 allows.
    hostname: 'localhost',
    serverOptions,
  }) as Server
  server.timeout = idleTimeout
  const requests = countRequests(server)
  await listen(server, port, host)
  const { address, family, port: taken } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      await requests.finished()
      server.closeAllConnections()
      await closed
    },
  }
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  }).catch((error: Error) => {
    throw new GraftError('network', `cannot listen on ${host}:${port}: ${error.message}`, {
      hint: 'Choose another --port or --host, or end what uses it.',
      value: port,
      cause: error,
    })
  })
}

/** Follows requests from their headers to the last byte of their answer; from `finished` on, answers end their connection. */
function countRequests(server: Server): { finished(): Promise<void> } {
  const open = new Set<ServerResponse>()
  let onIdle: (() => void) | undefined
  function end(response: ServerResponse): void {
    if (open.delete(response) && open.size === 0) onIdle?.()
  }
  // Before the app's own listener, so that the header is set before the answer.
  server.prependListener('request', (_, response) => {
    open.add(response)
    if (onIdle) response.setHeader('Connection', 'close')
    response.once('close', () => end(response))
  })
  // Where a client vanishes, Node tells only the answer whose turn it is, and none that is queued behind it.
  server.on('connection', (socket) =>
    socket.once('close', () => open.forEach((response) => response.req.socket === socket && end(response))),
  )
  return {
    finished: () =>
      new Promise((resolve) => {
        onIdle = resolve
        if (open.size === 0) resolve()
      }),
  }
}
