/** A worker that dies, or hangs, is started again, and does once more what it was asked for. */
import { GraftError } from '../core/errors.ts'
import type { CallOptions, Connection } from './connection.ts'
import type { CallName, Calls } from './protocol.ts'

/** For whatever a call does besides computing. */
const BASE_MS = 10_000
/** Far more than the slowest devices need: GPT-2 small takes some 15 ms a token on a laptop's one thread. */
const TOKEN_MS = 100
/** For reading a table. */
const BYTE_MS = 1e-3
/** Rows of a table between two signs of life. */
const ROWS = 32

/** Milliseconds for which a call may give no sign of life; undefined where it waits for a network. */
export function patienceOf<Name extends CallName>(name: Name, request: Calls[Name]['request'], maxLength: number) {
  const tokens = (texts: readonly string[]) => texts.reduce((sum, { length }) => sum + Math.min(length, maxLength), 0)
  if (name === 'open') return undefined
  if ('texts' in request) return BASE_MS + TOKEN_MS * tokens(request.texts)
  if (!('file' in request)) return 6 * BASE_MS
  const tasks = 'adapters' in request ? Math.max(1, request.adapters.length) : 0
  return BASE_MS + BYTE_MS * request.file.size + TOKEN_MS * tasks * ROWS * maxLength
}

/** The worker is of no more use: it failed as a whole, fell silent, or has no memory left. */
const isLost = (error: unknown): error is GraftError =>
  error instanceof GraftError && (error.code === 'runtime' || error.code === 'memory')

export interface Revived extends Pick<Connection, 'call'> {
  close(): void
}

/**
 * @param first a worker with an open model
 * @param start makes another one like it
 */
export function revive(first: Connection, start: () => Promise<Connection>): Revived {
  let alive: Promise<Connection> | undefined = Promise.resolve(first)
  let isClosed = false

  function connection(): Promise<Connection> {
    const started = (alive ??= start())
    // One that cannot be started is tried again by the next call.
    started.catch(() => {
      if (alive === started) alive = undefined
    })
    return started
  }

  async function call<Name extends CallName>(
    name: Name,
    request: Calls[Name]['request'],
    options?: CallOptions<Name>,
  ): Promise<Calls[Name]['result']> {
    const used = connection()
    const worker = await used
    try {
      return await worker.call(name, request, options)
    } catch (error) {
      if (isClosed || options?.signal?.aborted || !isLost(error)) throw error
      if (alive === used) {
        alive = undefined
        worker.close(error)
      }
      return (await connection()).call(name, request, options)
    }
  }

  return {
    call,
    close() {
      isClosed = true
      void alive?.then((worker) => worker.close())
    },
  }
}
