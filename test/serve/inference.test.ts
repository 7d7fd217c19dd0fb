import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBundle } from '../../src/runtime/index.ts'
import { createInference } from '../../src/serve/inference.ts'
import type { InferenceService } from '../../src/serve/service.ts'
import { difference, type ServeFixture, serve, texts, writeServeFixture } from './inference-fixtures.ts'

const request = { model: 'tiny', texts, truncate: true }

let fixture: ServeFixture
let service: InferenceService

beforeAll(async () => {
  fixture = await writeServeFixture(4)
  service = await serve(fixture)
})

afterAll(async () => {
  await service.close()
  await rm(fixture.dir, { recursive: true })
})

const largest = (differences: number[]) => Math.max(...differences)

describe('classify', () => {
  it('answers as the bundle without a server does, adapters mixed in the same batches', async () => {
    const names = { spam: 0, topic: 1, wide: 3 }
    const answers = await Promise.all(Object.keys(names).map((adapter) => service.classify({ ...request, adapter })))
    for (const [at, version] of Object.values(names).entries()) {
      const { sha256, expected } = fixture.versions[version]!
      expect(answers[at]!.version).toBe(sha256)
      expect(largest(expected.map((each, i) => difference(answers[at]!.results[i], each)))).toBeLessThan(1e-5)
    }
  })

  it('answers with a merged model, which has no adapters', async () => {
    const merged = await createInference({
      bundles: [{ name: 'merged', dir: fixture.merged }],
      workers: 1,
      maxQueue: 100,
      maxBatchTokens: 64,
      maxAdapters: 1,
    })
    const classifier = await openBundle(fixture.merged, { threads: 1 })
    const expected = await classifier.classify(texts)
    const answer = await merged.classify({ ...request, model: 'merged' })
    expect(largest(expected.map((each, i) => difference(answer.results[i], each)))).toBeLessThan(1e-5)
    expect(answer).toMatchObject({ model: 'merged', adapter: undefined, version: expect.stringMatching(/^\w{64}$/) })
    expect(merged.models()).toMatchObject([{ name: 'merged', kind: 'merged', labels: ['ham', 'spam'], adapters: [] }])
    const withAdapter = { ...request, model: 'merged', adapter: 'spam' }
    await expect(merged.classify(withAdapter)).rejects.toMatchObject({ code: 'serve-adapter' })
    await expect(merged.removeAdapter('merged', 'spam')).rejects.toMatchObject({ code: 'serve-adapter' })
    await classifier.close()
    await merged.close()
  })

  it('reads the start of a text of any length, or refuses it where that is asked', async () => {
    const long = { ...request, adapter: 'spam', texts: ['ok', 'a'.repeat(100_000)] }
    const { results } = await service.classify(long)
    expect(results.map(({ tokens, truncated }) => ({ tokens, truncated }))).toEqual([
      { tokens: 1, truncated: false },
      { tokens: 20, truncated: true },
    ])
    const refused = service.classify({ ...long, truncate: false })
    await expect(refused).rejects.toMatchObject({ code: 'serve-too-long', message: expect.stringContaining('text 2') })
  })

  it('says what is unknown, missing or empty', async () => {
    const code = (code: string) => expect.objectContaining({ code })
    await expect(service.classify({ ...request, model: 'huge' })).rejects.toEqual(code('serve-model'))
    await expect(service.classify({ ...request, adapter: 'mood' })).rejects.toEqual(code('serve-adapter'))
    await expect(service.classify({ ...request, adapter: '__proto__' })).rejects.toEqual(code('serve-adapter'))
    await expect(service.classify(request)).rejects.toEqual(code('usage'))
    await expect(service.classify({ ...request, texts: ['ok', ' \n'] })).rejects.toEqual(code('text-empty'))
    await expect(service.classify({ ...request, texts: [] })).rejects.toEqual(code('text-empty'))
  })

  it('tells an observer of batches and waits', async () => {
    const batches: { rows: number; tokens: number; paddedTokens: number }[] = []
    const waits: number[] = []
    const observer = {
      onBatch: (batch: (typeof batches)[number]) => batches.push(batch),
      onDequeue: (s: number) => waits.push(s),
    }
    const observed = await serve(fixture, { observer, workers: 1, maxWaitMs: 5 })
    const { results } = await observed.classify({ ...request, adapter: 'spam' })
    await observed.classify({ ...request, adapter: 'spam', texts: texts.slice(-1), truncate: false }).catch(() => 0)
    await observed.close()
    const sum = (key: 'rows' | 'tokens') => batches.reduce((total, batch) => total + batch[key], 0)
    expect([sum('rows'), sum('tokens')]).toEqual([
      texts.length,
      results.reduce((total, { tokens }) => total + tokens, 0),
    ])
    expect(batches.every(({ tokens, paddedTokens }) => tokens <= paddedTokens)).toBe(true)
    expect(waits).toHaveLength(texts.length + 1)
  })
})

describe('createInference', () => {
  it('says what is wrong with a graph, and ends the workers', async () => {
    const dir = join(fixture.dir, 'broken')
    await cp(fixture.unmerged, dir, { recursive: true })
    await writeFile(join(dir, 'onnx', 'model.onnx'), 'no graph')
    await expect(serve({ ...fixture, unmerged: dir })).rejects.toMatchObject({ code: 'bundle' })
  })

  it('refuses two models of one name', async () => {
    const twice = [fixture.unmerged, fixture.merged].map((dir) => ({ name: 'tiny', dir }))
    await expect(serve(fixture, { bundles: twice })).rejects.toMatchObject({ code: 'usage' })
  })
})

describe('the queue', () => {
  const many = (count: number) => ({
    ...request,
    adapter: 'spam',
    texts: Array.from({ length: count }, () => texts[2]!),
  })

  it('is bounded', async () => {
    const bounded = await serve(fixture, { maxQueue: 100 })
    const first = bounded.classify(many(100))
    expect(bounded.queueSize()).toBe(100)
    await expect(bounded.classify(many(1))).rejects.toMatchObject({ code: 'serve-overloaded' })
    expect((await first).results).toHaveLength(100)
    expect(bounded.queueSize()).toBe(0)
    await bounded.classify(many(1))
    await bounded.close()
  })

  it('tells how long it takes, from the first batch on', async () => {
    const measured = await serve(fixture, { workers: 1 })
    const first = measured.classify(many(1))
    expect(measured.queueSeconds()).toBe(0)
    await first
    const second = measured.classify(many(100))
    const seconds = measured.queueSeconds()
    const third = measured.classify(many(100))
    expect(measured.queueSeconds() / seconds).toBeCloseTo(2)
    await Promise.all([second, third])
    expect(seconds).toBeGreaterThan(0)
    expect(measured.queueSeconds()).toBe(0)
    await measured.close()
  })

  it('drops texts whose deadline passed or whose client is gone', async () => {
    const batches: number[] = []
    const observer = { onBatch: ({ rows }: { rows: number }) => batches.push(rows) }
    const slow = await serve(fixture, { observer, workers: 1 })
    const controller = new AbortController()
    const codeOf = (answer: Promise<unknown>) => answer.catch(({ code }: { code: string }) => code)
    const late = codeOf(slow.classify({ ...many(400), deadline: performance.now() + 1 }))
    const gone = codeOf(slow.classify({ ...many(400), signal: controller.signal }))
    expect(await codeOf(slow.classify({ ...many(100), signal: AbortSignal.abort() }))).toBe('interrupted')
    expect(await late).toBe('serve-timeout')
    controller.abort()
    expect(await gone).toBe('interrupted')
    expect(slow.queueSize()).toBe(0)
    await slow.close()
    expect(batches.reduce((a, b) => a + b, 0)).toBeLessThan(600)
  })

  it('is worked off before closing, and takes nothing after', async () => {
    const closing = await serve(fixture)
    const accepted = closing.classify(many(300))
    const closed = closing.close()
    expect(closing.ready()).toBe(false)
    await expect(closing.classify(many(1))).rejects.toMatchObject({ code: 'serve-closed' })
    expect((await accepted).results).toHaveLength(300)
    await closed
    await closing.close()
  })
})
