/** Workers that are stuck: really, in a loop that ends never. They are replaced, requests are answered, `ready` says what is so. */
import { rm } from 'node:fs/promises'
import { Session } from 'node:inspector'
import type { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { InferenceService } from '../../src/serve/service.ts'
import { difference, type ServeFixture, serve, texts, writeServeFixture } from './inference-fixtures.ts'

let fixture: ServeFixture
let workers: Worker[] = []
const remember = (worker: Worker) => workers.push(worker)
let inspectors: Session[] = []

beforeAll(async () => {
  fixture = await writeServeFixture(4)
})
beforeEach(() => {
  workers = []
  process.on('worker', remember)
})
afterEach(() => {
  process.off('worker', remember)
  for (const inspector of inspectors) inspector.disconnect()
  inspectors = []
})
afterAll(() => rm(fixture.dir, { recursive: true }))

/** Has every worker that runs now enter a loop, as a debugger would. */
async function block(): Promise<void> {
  const inspector = new Session()
  inspector.connect()
  const post = (method: string, params: object = {}) =>
    new Promise<void>((resolve, reject) =>
      inspector.post(method, params, (error) => (error ? reject(error) : resolve())),
    )
  const sessions: string[] = []
  inspector.on('NodeWorker.attachedToWorker', ({ params }: { params: { sessionId: string } }) =>
    sessions.push(params.sessionId),
  )
  await post('NodeWorker.enable', { waitForDebuggerOnStart: false })
  await expect.poll(() => sessions.length).toBeGreaterThan(0)
  const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: 'for (;;);' } })
  for (const sessionId of sessions) await post('NodeWorker.sendMessageToWorker', { sessionId, message })
  inspectors.push(inspector)
}

const request = { model: 'tiny', adapter: 'spam', texts, truncate: true }

async function expectAnswer(answer: ReturnType<InferenceService['classify']>): Promise<void> {
  const { results } = await answer
  const { expected } = fixture.versions[0]!
  expect(Math.max(...expected.map((each, at) => difference(results[at], each)))).toBeLessThan(1e-5)
}

it('replaces a worker that is stuck, and answers its requests', async () => {
  const service = await serve(fixture, { workers: 2, taskTimeoutMs: 500 })
  await block()
  const answers = Array.from({ length: 8 }, () => service.classify(request))
  await expect.poll(() => service.ready(), { interval: 5 }).toBe(false)
  for (const answer of answers) await expectAnswer(answer)
  expect(service.ready()).toBe(true)
  expect(workers).toHaveLength(4)
  await service.close()
})

it('fails what is stuck a second time', async () => {
  const service = await serve(fixture, { workers: 2, taskTimeoutMs: 500 })
  await block()
  const batch = { ...request, texts: ['ok'] }
  // It goes to one worker, and then to the other.
  await expect(service.classify(batch)).rejects.toMatchObject({ code: 'serve-worker' })
  await expect.poll(() => service.ready(), { timeout: 20_000 }).toBe(true)
  await expectAnswer(service.classify(request))
  await service.close()
})

it('closes, though a worker is stuck', async () => {
  const service = await serve(fixture, { workers: 1 })
  await block()
  await service.close()
  expect(service.ready()).toBe(false)
})

it('gives up an adapter that a worker is stuck with, and takes the next', async () => {
  const service = await serve(fixture, { workers: 1, taskTimeoutMs: 500 })
  await block()
  const [{ files }] = fixture.versions as [ServeFixture['versions'][number]]
  const before = service.models()
  await expect(service.putAdapter('tiny', 'new', files)).rejects.toMatchObject({ code: 'serve-worker' })
  expect(service.models()[0]?.adapters).toEqual(before[0]?.adapters)
  expect(await service.putAdapter('tiny', 'new', files)).toMatchObject({ created: true })
  await service.close()
})

it('ends a change in time, though no worker comes to it, and does not make it later', async () => {
  const service = await serve(fixture, { workers: 1, taskTimeoutMs: 1500, changeTimeoutMs: 500 })
  await block()
  const [{ files }] = fixture.versions as [ServeFixture['versions'][number]]
  const changes = ['one', 'two'].map((name) => service.putAdapter('tiny', name, files))
  for (const change of changes) await expect(change).rejects.toMatchObject({ code: 'serve-timeout' })
  await expect.poll(() => workers.length === 2 && service.ready(), { timeout: 20_000 }).toBe(true)
  await expectAnswer(service.classify(request))
  expect(service.models()[0]?.adapters.map(({ name }) => name)).toEqual(['spam', 'topic', 'wide'])
  await service.close()
})
