/** Bodies: held to their limits, expanded and looked through before a parser sees them, whose work grows faster than its input. */
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { ServeEnv } from './context.ts'
import { parseJson } from './json.ts'
import { invalidRequest, RequestError } from './problem.ts'

type Guard = MiddlewareHandler<ServeEnv>

/**
 * Parses the body of a route that takes JSON; a body of another type is left to the route.
 * @param maxBytes of the body, expanded too
 * @param maxItems of an array: what a list of texts may have
 */
export function jsonBody(maxBytes: number, maxItems: number): Guard {
  const limits = { depth: MAX_DEPTH, items: Math.max(maxItems, MIN_ITEMS) }
  const limit = limitBody(maxBytes)
  const parse: Guard = async (c, next) => {
    if (!isJson(c)) return next()
    const { value, problem } = parseJson(await readBody(c, maxBytes), limits)
    if (problem?.path) throw invalidRequest([{ in: 'body', ...problem }])
    if (problem) throw invalidBody(`the body ${problem.message}`)
    // What the route's schema asks for: parsed once.
    c.req.json = () => Promise.resolve(value as never)
    return next()
  }
  return (c, next) => limit(c, () => parse(c, next) as Promise<void>)
}

/** The APIs' bodies nest four levels deep, and their objects have fewer members. */
const [MAX_DEPTH, MIN_ITEMS] = [16, 64]

/** Looks through the body of a route that takes a form with files. */
export function formBody(maxBytes: number): Guard {
  const limit = limitBody(maxBytes)
  const check: Guard = async (c, next) => {
    const type = c.req.header('Content-Type') ?? ''
    if (/^application\/x-www-form-urlencoded/i.test(type)) throw wrongType('a form with files is multipart/form-data')
    const boundary = /^multipart\/form-data;.*?boundary="?([^";]+)/i.exec(type)?.[1]
    if (boundary === undefined) return next()
    const body = Buffer.from(await readBody(c, maxBytes))
    checkParts(body, boundary)
    return next()
  }
  return (c, next) => limit(c, () => check(c, next) as Promise<void>)
}

/** A form has three files; the headers of a part, some hundred bytes. */
const [MAX_PARTS, MAX_PART_HEADERS] = [8, 8192]

/** @throws RequestError 400 for a form of too many parts, or with too long headers */
function checkParts(body: Buffer, boundary: string): void {
  const mark = Buffer.from(`--${boundary}`)
  let parts = 0
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + mark.length)) {
    const start = at + mark.length
    if (body.subarray(start, start + 2).toString('latin1') === '--') return
    if (++parts > MAX_PARTS) throw invalidBody(`the form has more than ${MAX_PARTS} parts`)
    if (!body.subarray(start, start + MAX_PART_HEADERS).includes('\r\n\r\n')) {
      throw invalidBody(`the headers of part ${parts} do not end within ${MAX_PART_HEADERS} bytes`)
    }
  }
}

/** Refuses bodies over a limit: at once where the length is announced, else as soon as so much has come. */
function limitBody(maxSize: number): Guard {
  const refuse = () => {
    throw tooLarge(maxSize)
  }
  const count = bodyLimit({ maxSize, onError: refuse })
  return async (c, next) => {
    // Hono runs a route's handlers twice where a path holds the pattern itself, such as `:name`.
    if (c.req.bodyCache.arrayBuffer) return next()
    // The library's middleware makes a stream of every body; Node holds those of an announced length to it already.
    const announced = c.req.header('Transfer-Encoding') === undefined && c.req.header('Content-Length')
    if (!announced) return count(c, next)
    return Number(announced) <= maxSize ? next() : refuse()
  }
}

const unzip = promisify(gunzip)

/** The body's bytes, expanded where they are compressed. */
async function readBody(c: Context<ServeEnv>, maxSize: number): Promise<Uint8Array> {
  const encoding = c.req.header('Content-Encoding')?.trim().toLowerCase() ?? 'identity'
  if (encoding === 'identity') return new Uint8Array(await c.req.arrayBuffer())
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw wrongType(`the encoding ${JSON.stringify(encoding)} is not known`, { 'Accept-Encoding': 'gzip' })
  }
  const bytes = await unzip(await c.req.arrayBuffer(), { maxOutputLength: maxSize }).catch(
    (error: NodeJS.ErrnoException) => {
      throw error.code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxSize) : invalidBody('the body is not gzip')
    },
  )
  const { buffer } = new Uint8Array(bytes)
  c.req.bodyCache.arrayBuffer = buffer
  return new Uint8Array(buffer)
}

/** @throws RequestError 415 for JSON in another encoding than UTF-8 */
function isJson(c: Context<ServeEnv>): boolean {
  const type = c.req.header('Content-Type') ?? ''
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type)) return false
  const charset = /;\s*charset="?([\w-]+)/i.exec(type)?.[1]
  if (charset === undefined || /^utf-?8$/i.test(charset)) return true
  throw wrongType(`the charset ${charset} is not read, only UTF-8`)
}

const invalidBody = (message: string) => new RequestError(400, 'invalid-body', message, { hint: 'See /docs.' })

const wrongType = (message: string, headers?: Record<string, string>) =>
  new RequestError(415, 'unsupported-media-type', message, { hint: 'See /docs.', ...(headers && { headers }) })

const tooLarge = (maxSize: number) =>
  new RequestError(413, 'body-too-large', `the body is larger than ${maxSize} bytes`, {
    hint: 'Send fewer texts at a time.',
    headers: { Connection: 'close' },
  })
