/** Bearer keys: who may ask, and who may change what is served. Comparison takes the same time for every wrong key. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { GraftError } from '../core/errors.ts'
import type { ServeEnv } from './context.ts'
import { RequestError } from './problem.ts'

/** RFC 6750's alphabet of bearer tokens; the length makes guessing hopeless. */
const keyPattern = /^[A-Za-z0-9._~+/-]{16,}=*$/

/**
 * The keys of a key file: one a line; empty lines and those that begin with # are left out.
 * @throws GraftError `config` for a file without keys, or with a line that is none. The message does not repeat it.
 * @example
 * import { parseKeys } from 'graft-lora/serve'
 *
 * const apiKeys = parseKeys('# the shop\nZ3JhZnQgc2VydmVzIG1vZGVscw\n', 'keys.txt')
 * console.log(apiKeys.length)
 */
export function parseKeys(text: string, file: string): string[] {
  const lines = text.split('\n').map((line, at) => ({ key: line.trim(), line: at + 1 }))
  const keys = lines.filter(({ key }) => key !== '' && !key.startsWith('#'))
  const wrong = keys.find(({ key }) => !keyPattern.test(key))
  if (keys.length > 0 && !wrong) return keys.map(({ key }) => key)
  throw new GraftError('config', wrong ? `${file}, line ${wrong.line}: not a key` : `${file} holds no key`, {
    hint: 'Put one key on each line: 16 or more letters, digits and . _ ~ + / -, as `openssl rand -hex 32` gives.',
    file,
    line: wrong?.line,
  })
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Whether a key is one of these. All are compared, as digests of one length. */
function keyMatcher(keys: readonly string[]): (key: string) => boolean {
  const digests = keys.map(digest)
  return (key) => {
    const candidate = digest(key)
    return digests.filter((each) => timingSafeEqual(each, candidate)).length > 0
  }
}

const bearer = (header = '') => /^Bearer +(\S+) *$/i.exec(header)?.[1]

const unauthorized = () =>
  new RequestError(401, 'unauthorized', 'the key is missing or wrong', {
    hint: 'Send the header `Authorization: Bearer <key>`.',
    headers: { 'WWW-Authenticate': 'Bearer' },
  })

/** Orchestrators ask for health without a key, and the description holds no secret. */
const isOpen = (path: string) =>
  path.startsWith('/v2/health/') ||
  path === '/' ||
  path === '/openapi.json' ||
  path === '/docs' ||
  path.startsWith('/docs/')

/** Lets only requests with one of the keys pass; all, where there are none. */
export function requireKey(keys: readonly string[]): MiddlewareHandler<ServeEnv> {
  const matches = keyMatcher(keys)
  return async (c, next) => {
    if (keys.length > 0 && !isOpen(c.req.path)) {
      const key = bearer(c.req.header('Authorization'))
      if (key === undefined || !matches(key)) throw unauthorized()
    }
    await next()
  }
}

/** Lets only requests with an admin key pass; none, where there are no admin keys. */
export function requireAdmin(adminKeys: readonly string[]): MiddlewareHandler<ServeEnv> {
  const matches = keyMatcher(adminKeys)
  return async (c, next) => {
    const key = bearer(c.req.header('Authorization'))
    if (adminKeys.length === 0) {
      throw new RequestError(403, 'forbidden', 'nothing can be changed here: the server has no admin key', {
        hint: 'Start it with --admin-key-file.',
      })
    }
    if (key === undefined) throw unauthorized()
    if (!matches(key)) throw new RequestError(403, 'forbidden', 'only an admin key may change what is served')
    await next()
  }
}
