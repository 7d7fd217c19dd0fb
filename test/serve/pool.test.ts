import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { difference, type ServeFixture, serve, texts, writeServeFixture } from './inference-fixtures.ts'

let fixture: ServeFixture
/** Those that this test started, in order. */
let workers: Worker[] = []
const remember = (worker: Worker) => workers.push(worker)

beforeAll(async () => {
  fixture = await writeServeFixture(6)
})

beforeEach(() => {
  workers = []
  process.on('worker', remember)
})

afterEach(() => process.off('worker', remember))

afterAll(() => rm(fixture.dir, { recursive: true }))

/** No such message is known, so its handler throws: nothing catches that, and the thread ends with whatever it runs. */
const kill = (worker: Worker) => worker.postMessage(null)

describe('a worker that dies', () => {
  it('is replaced, with the adapters that came since the start, and no request is lost', async () => {
    const service = await serve(fixture)
    await service.putAdapter('tiny', 'late', fixture.versions[4]!.files)
    await service.putAdapter('tiny', 'late', fixture.versions[5]!.files)
    const load = { model: 'tiny', adapter: 'late', texts, truncate: true }
    const answers = Array.from({ length: 60 }, () => service.classify(load))
    await sleep(5)
    // One after the other: a request that both had would fail, as is right.
    const [first, second] = workers as [Worker, Worker]
    kill(first)
    await expect.poll(() => workers.length).toBe(3)
    kill(second)
    for (const { results } of await Promise.all(answers)) {
      const { expected } = fixture.versions[5]!
      expect(Math.max(...expected.map((each, i) => difference(results[i], each)))).toBeLessThan(1e-5)
    }
    await expect.poll(() => workers.length).toBe(4)
    await service.close()
  })

  it('leaves a service that is not ready until another is up', async () => {
    const service = await serve(fixture, { workers: 1 })
    const load = { model: 'tiny', adapter: 'spam', texts: ['ok'], truncate: true }
    workers.forEach(kill)
    await expect.poll(() => service.ready()).toBe(false)
    await expect(service.classify(load)).rejects.toMatchObject({ code: 'serve-closed' })
    await expect.poll(() => service.ready(), { timeout: 20_000 }).toBe(true)
    expect((await service.classify(load)).results).toHaveLength(1)
    await service.close()
  })

  it('fails its requests the second time', async () => {
    const service = await serve(fixture, { workers: 1 })
    const load = { model: 'tiny', adapter: 'spam', texts: ['ok'], truncate: true }
    // A worker ends when it is told to run anything, so that the request is certainly with it.
    const endAtRun = (worker: Worker) => {
      const post = worker.postMessage.bind(worker)
      worker.postMessage = (message: { type: string }) => post(message.type === 'run' ? null : message)
    }
    process.on('worker', endAtRun)
    workers.forEach(endAtRun)
    await expect(service.classify(load)).rejects.toMatchObject({ code: 'serve-worker' })
    process.off('worker', endAtRun)
    expect(workers.length).toBeGreaterThanOrEqual(2)
    await service.close()
  })
})
