/** Refuses bodies over a limit: at once where the length is announced, else as soon as so much has come. */
import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { ServeEnv } from './context.ts'
import { RequestError } from './problem.ts'

/** @param maxSize bytes */
export function limitBody(maxSize: number): MiddlewareHandler<ServeEnv> {
  const refuse = () => {
    throw new RequestError(413, 'body-too-large', `the body is larger than ${maxSize} bytes`, {
      hint: 'Send fewer texts at a time.',
      headers: { Connection: 'close' },
    })
  }
  const count = bodyLimit({ maxSize, onError: refuse })
  return async (c, next) => {
    // The library's middleware makes a stream of every body; Node holds those of an announced length to it already.
    const announced = c.req.header('Transfer-Encoding') === undefined && c.req.header('Content-Length')
    if (!announced) return count(c, next)
    return Number(announced) <= maxSize ? next() : refuse()
  }
}
