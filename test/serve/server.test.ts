/** The server on real sockets: slow, half-closed and vanishing clients, large and chunked bodies, pipelining, the end. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createApp,
  createInference,
  createMetrics,
  type InferenceService,
  type RunningServer,
  startServer,
} from '../../src/serve/index.ts'
import { type Served, serveBundles } from './fixtures.ts'

let served: Served
/** Waits for a batch to fill up, so that requests are on their way for a while. */
let patient: InferenceService
let server: RunningServer
let log: { code?: string; status?: number }[] = []
const logger = pino({}, { write: (line: string) => log.push(JSON.parse(line)) })

beforeAll(async () => {
  served = await serveBundles({ maxQueue: 512 })
  patient = await createInference({
    bundles: [{ name: 'merged', dir: served.merged }],
    workers: 1,
    maxQueue: 64,
    maxBatchTokens: 4096,
    maxAdapters: 1,
    maxWaitMs: 500,
  })
  const app = createApp({ service: served.service, maxBody: 10_000 })
  server = await startServer({ app, port: 0, host: '127.0.0.1', requestTimeout: 1000 })
})
afterAll(async () => {
  await server.close()
  await patient.close()
  await served.close()
})

const open = ({ url } = server): Socket => connect(Number(new URL(url).port), '127.0.0.1')

/** All that comes until the connection ends. */
function readAll(socket: Socket): Promise<string> {
  let text = ''
  return new Promise((resolve) => {
    socket.on('data', (chunk) => (text += chunk))
    socket.on('error', () => resolve(text))
    socket.on('close', () => resolve(text))
  })
}

const body = (inputs: string) => JSON.stringify({ inputs, model: 'merged' })

const head = (...headers: string[]) =>
  ['POST /v1/classify HTTP/1.1', 'Host: x', 'Content-Type: application/json', ...headers, '', ''].join('\r\n')

const request = (inputs: string, ...headers: string[]) =>
  head(`Content-Length: ${Buffer.byteLength(body(inputs))}`, ...headers) + body(inputs)

const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))

describe('bodies', () => {
  it('may come in chunks', async () => {
    const socket = open()
    const answer = readAll(socket)
    socket.write(head('Transfer-Encoding: chunked', 'Connection: close'))
    for (const part of body('ok').match(/.{1,7}/g) ?? []) {
      socket.write(chunk(part))
      await sleep(5)
    }
    socket.write('0\r\n\r\n')
    expect(statuses(await answer)).toEqual([200])
  })

  it('that are announced too large are refused before they come', async () => {
    const socket = open()
    socket.write(head('Content-Length: 20000'))
    const text = await readAll(socket)
    expect(statuses(text)).toEqual([413])
    expect(text).toContain('body-too-large')
  })

  it('that grow too large in chunks are refused', async () => {
    const socket = open()
    const answer = readAll(socket)
    socket.write(head('Transfer-Encoding: chunked'))
    for (let sent = 0; sent < 100_000 && !socket.destroyed; sent += 1000) socket.write(chunk('a'.repeat(1000)))
    expect(statuses(await answer)).toEqual([413])
  })

  it('that lie about their length harm only their own connection', async () => {
    const socket = open()
    socket.write(`${head('Content-Length: 5')}${body('ok')}`)
    expect(statuses(await readAll(socket))).toEqual([400])
  })
})

describe('clients', () => {
  it('may send many requests without waiting for answers, which come in order', async () => {
    const socket = open()
    const inputs = Array.from({ length: 20 }, (_, at) => 'word '.repeat(at % 5) + 'ok')
    const sent = inputs.map((text, at) => request(text, ...(at === 19 ? ['Connection: close'] : [])))
    socket.write(sent.join(''))
    const text = await readAll(socket)
    expect(statuses(text)).toEqual(Array(20).fill(200))
    const tokens = [...text.matchAll(/\],"tokens":(\d+)\}/g)].map(([, count]) => Number(count))
    expect(tokens).toEqual(inputs.map((_, at) => (at % 5) + 1))
  })

  it('that close their side are gone: a half-closed connection looks no different', async () => {
    log = []
    const app = createApp({ service: patient, log: logger })
    const waiting = await startServer({ app, port: 0, host: '127.0.0.1' })
    const socket = open(waiting)
    const answer = readAll(socket)
    socket.write(request('ok'))
    await expect.poll(() => patient.queueSize()).toBe(1)
    socket.end()
    expect(await answer).toBe('')
    await expect.poll(() => log).toEqual([expect.objectContaining({ status: 499 })])
    expect(patient.queueSize()).toBe(0)
    await waiting.close()
  })

  it.each([
    ['headers', 'POST /v1/classify HTTP/1.1\r\nHost: x\r\n'],
    ['a body', `${head('Content-Length: 50')}{"inp`],
  ])('that never finish %s are sent away, and others served meanwhile', async (_, start) => {
    const socket = open()
    socket.write(start)
    const answer = readAll(socket)
    const other = open()
    other.write(request('ok', 'Connection: close'))
    expect(statuses(await readAll(other))).toEqual([200])
    expect(statuses(await answer)).toEqual([408])
  })

  it.each(['nonsense\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n'])(
    'that do not speak HTTP are sent away: %j',
    async (text) => {
      const socket = open()
      socket.write(text)
      expect(statuses(await readAll(socket))).toEqual([400])
    },
  )

  it.each([
    ['one body', request('ok')],
    ['chunks', `${head('Transfer-Encoding: chunked')}${chunk(body('ok'))}0\r\n\r\n`],
  ])('that vanish after sending %s leave the queue', async (_, text) => {
    log = []
    const app = createApp({ service: patient, log: logger })
    const waiting = await startServer({ app, port: 0, host: '127.0.0.1' })
    const socket = open(waiting)
    socket.write(text)
    await expect.poll(() => patient.queueSize()).toBe(1)
    socket.destroy()
    await expect.poll(() => patient.queueSize(), { timeout: 300 }).toBe(0)
    await expect.poll(() => log).toEqual([expect.objectContaining({ status: 499, code: 'client-gone' })])
    await waiting.close()
  })
})

describe('close', () => {
  it('answers what has come, takes nothing more, and waits for nobody who is silent', async () => {
    const ending = await startServer({ app: createApp({ service: patient }), port: 0, host: '127.0.0.1' })
    const [busy, idle, halfway] = [open(ending), open(ending), open(ending)]
    const answers = [busy, idle, halfway].map(readAll)
    busy.write(request('ok'))
    halfway.write('POST /v1/classify HTTP/1.1\r\nHo')
    await expect.poll(() => patient.queueSize()).toBe(1)
    const closed = ending.close()
    await expect(fetch(ending.url)).rejects.toThrow('fetch failed')
    await closed
    const [answer, ...others] = await Promise.all(answers)
    expect(statuses(answer ?? '')).toEqual([200])
    expect(others).toEqual(['', ''])
  })

  it('does not wait for ever for a client that does not read', async () => {
    const metrics = createMetrics()
    const app = createApp({ service: served.service, metrics })
    const ending = await startServer({ app, port: 0, host: '127.0.0.1', idleTimeout: 300 })
    const socket = open(ending)
    socket.pause()
    // More than the buffers of a connection take.
    socket.write('GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(400))
    await expect.poll(() => metrics.requests.get().then(({ values }) => values.length)).toBeGreaterThan(0)
    await ending.close()
    socket.destroy()
  })

  it('says who has the port', async () => {
    const port = Number(new URL(server.url).port)
    const second = startServer({ app: createApp({ service: patient }), port, host: '127.0.0.1' })
    await expect(second).rejects.toMatchObject({ code: 'network', value: port })
  })
})
