/** Whether the client still waits. */
import { setMaxListeners } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Context } from 'hono'
import type { ServeEnv } from './context.ts'

/** What the server gives the app with each request; nothing, where the app is called without one. */
export interface Connection {
  incoming?: IncomingMessage
}

const signals = new WeakMap<Socket, AbortSignal>()

function signalOf(socket: Socket): AbortSignal {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal) // a client may send any number of requests behind each other
  socket.once('close', () => controller.abort())
  signals.set(socket, controller.signal)
  return controller.signal
}

/**
 * Aborted when the client is gone. One for all requests of a connection: to make one for each was a tenth of the main
 * thread's work.
 */
export function clientSignal(c: Context<ServeEnv>): AbortSignal {
  const socket = c.env?.incoming?.socket
  return socket ? (signals.get(socket) ?? signalOf(socket)) : c.req.raw.signal
}

/** Whether nobody waits any more: known from the body too, which ends before the connection is said to. */
export function isClientGone(c: Context<ServeEnv>): boolean {
  const incoming = c.env?.incoming
  const isCutOff = incoming !== undefined && !incoming.complete && (incoming.destroyed || incoming.errored !== null)
  return isCutOff || clientSignal(c).aborted
}
