/** `POST /v1/classify` with real workers behind it: answers, errors, deadlines, load. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adapterIdentity } from '../../../src/core/adapter/version.ts'
import { readAdapter } from '../../../src/files/adapter-folder.ts'
import { sha256 } from '../../../src/files/hash.ts'
import { openBundle } from '../../../src/runtime/index.ts'
import { createApp, createInference, type InferenceService } from '../../../src/serve/index.ts'
import { jsonOf, post, problemOf, type Served, serveBundles } from '../fixtures.ts'

let served: Served
let service: InferenceService
let app: ReturnType<typeof createApp>

beforeAll(async () => {
  served = await serveBundles()
  service = served.service
  app = createApp({ service, maxInputs: 8, maxBody: 50_000 })
})
afterAll(() => served.close())

describe('POST /v1/classify', () => {
  it('answers as the bundle does', async () => {
    const texts = ['Win £1000 now!', 'ok', '日本語 🎉']
    const bundle = await openBundle(served.unmerged, { threads: 1 })
    const expected = await bundle.classify(texts, { adapter: 'mood' })
    await bundle.close()
    const response = await post(app, '/v1/classify', { inputs: texts, model: 'unmerged', adapter: 'mood', top_k: null })
    expect(response.status).toBe(200)
    const body = await jsonOf(response)
    const weights = await readFile(join(served.adapters.mood, 'adapter_model.safetensors'))
    const version = sha256(adapterIdentity(await readAdapter(served.adapters.mood), sha256(weights)))
    expect(body).toMatchObject({ model: 'unmerged', adapter: 'mood', version })
    for (const [at, { label, tokens, truncated, scores }] of expected.entries()) {
      expect(body.results[at]).toMatchObject({ label, tokens, truncated })
      for (const { label, score } of scores) {
        const given = body.results[at]?.scores.find((each) => each.label === label)
        expect(given?.score).toBeCloseTo(score, 5)
      }
    }
    expect(body.tokens).toBe(expected.reduce((sum, { tokens }) => sum + tokens, 0))
  })

  it('takes one text, and gives no more scores than asked for, the likeliest first', async () => {
    const { results } = await jsonOf(post(app, '/v1/classify', { inputs: 'ok', model: 'merged', top_k: 2 }))
    expect(results).toHaveLength(1)
    const [{ label, score, scores }] = results
    expect(scores).toHaveLength(2)
    expect(scores[0]).toEqual({ label, score })
    expect(scores[1].score).toBeLessThanOrEqual(score)
    const plain = await jsonOf(post(app, '/v1/classify', { inputs: 'ok', model: 'merged' }))
    expect(plain.results[0]).not.toHaveProperty('scores')
  })

  it('cuts a text that is too long and says so, or refuses it', async () => {
    const body = { inputs: 'word '.repeat(100), model: 'merged' }
    const { results } = await jsonOf(post(app, '/v1/classify', body))
    expect(results[0]).toMatchObject({ truncated: true, tokens: 12 })
    const refused = post(app, '/v1/classify', { ...body, truncate: false })
    expect(await problemOf(refused)).toMatchObject({ status: 400, code: 'serve-too-long' })
  })

  it('finds the model where only one is there', async () => {
    const only = { ...service, models: () => service.models().filter(({ name }) => name === 'merged') }
    const response = await post(createApp({ service: only }), '/v1/classify', { inputs: 'ok' })
    expect(await jsonOf(response)).toMatchObject({ model: 'merged' })
  })

  it.each([
    ['no model where there are two', { inputs: 'ok' }, 400, 'invalid-request', 'model'],
    ['another type', { inputs: 3, model: 'merged' }, 400, 'invalid-request', 'inputs'],
    ['another type inside', { inputs: ['ok', 3], model: 'merged' }, 400, 'invalid-request', 'inputs.1'],
    ['an empty text', { inputs: ['ok', ' '], model: 'merged' }, 400, 'invalid-request', 'inputs.1'],
    ['no text', { inputs: [], model: 'merged' }, 400, 'invalid-request', 'inputs'],
    ['too many texts', { inputs: Array(9).fill('ok'), model: 'merged' }, 400, 'invalid-request', 'inputs'],
    ['no inputs', { model: 'merged' }, 400, 'invalid-request', 'inputs'],
    ['an unknown field', { inputs: 'ok', model: 'merged', topk: 1 }, 400, 'invalid-request', ''],
    ['top_k 0', { inputs: 'ok', model: 'merged', top_k: 0 }, 400, 'invalid-request', 'top_k'],
    ['a path as an adapter', { inputs: 'ok', adapter: '../spam' }, 400, 'invalid-request', 'adapter'],
    ['a body that is no object', '"ok"', 400, 'invalid-request', ''],
    ['broken JSON', '{"inputs":', 400, 'invalid-body', undefined],
    ['an unknown model', { inputs: 'ok', model: 'nix' }, 404, 'serve-model', undefined],
    ['an unknown adapter', { inputs: 'ok', model: 'unmerged', adapter: 'nix' }, 404, 'serve-adapter', undefined],
    [
      'an adapter of a merged model',
      { inputs: 'ok', model: 'merged', adapter: 'spam' },
      404,
      'serve-adapter',
      undefined,
    ],
    ['no adapter of several', { inputs: 'ok', model: 'unmerged' }, 400, 'usage', undefined],
    ['a large body', { inputs: 'a'.repeat(50_000), model: 'merged' }, 413, 'body-too-large', undefined],
  ])('refuses %s', async (_, body, status, code, path) => {
    expect(await problemOf(post(app, '/v1/classify', body))).toEqual({ status, code, path })
  })

  it('refuses another type of body, and none', async () => {
    const plain = post(app, '/v1/classify', '{"inputs":"ok"}', { 'Content-Type': 'text/plain' })
    expect(await problemOf(plain)).toMatchObject({ status: 415, code: 'unsupported-media-type' })
    expect(await problemOf(app.request('/v1/classify', { method: 'POST' }))).toMatchObject({ status: 400 })
  })

  it('reads a run of 100,000 letters in little time', async () => {
    const large = createApp({ service })
    const response = await post(large, '/v1/classify', { inputs: 'a'.repeat(100_000), model: 'merged' })
    expect((await jsonOf(response)).results[0].truncated).toBe(true)
  })
})

describe('deadlines and load', () => {
  const body = { inputs: 'ok', model: 'merged' }

  it('answers 504 after the deadline of the request, or of the server', async () => {
    const slow = await createInference({
      bundles: [{ name: 'merged', dir: served.merged }],
      workers: 1,
      maxQueue: 2,
      maxBatchTokens: 512,
      maxAdapters: 1,
      maxWaitMs: 400,
    })
    const byRequest = post(createApp({ service: slow }), '/v1/classify', body, { 'X-Timeout-Ms': '20' })
    expect(await problemOf(byRequest)).toMatchObject({ status: 504, code: 'serve-timeout' })
    const byServer = post(createApp({ service: slow, timeoutMs: 20 }), '/v1/classify', body, { 'X-Timeout-Ms': '5000' })
    expect(await problemOf(byServer)).toMatchObject({ status: 504, code: 'serve-timeout' })
    await slow.close()
  })

  it.each(['0', '-1', 'soon', '1e3', ''])('refuses %j milliseconds', async (value) => {
    const refused = post(app, '/v1/classify', body, { 'X-Timeout-Ms': value })
    expect(await problemOf(refused)).toEqual({ status: 400, code: 'invalid-request', path: 'x-timeout-ms' })
  })

  it('answers 429 with Retry-After where the queue is full', async () => {
    const inputs = Array(8).fill('ok')
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => post(app, '/v1/classify', { ...body, inputs })),
    )
    const refused = responses.filter(({ status }) => status === 429)
    expect(responses.filter(({ status }) => status === 200).length + refused.length).toBe(20)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]!.headers.get('Retry-After')).toBe('1') // there is one, as just seen
    expect(await problemOf(refused[0]!)).toMatchObject({ code: 'serve-overloaded' })
  })

  it.each([
    [7.2, 30_000, '8'],
    [0.01, 30_000, '1'],
    [7.2, 5000, '5'],
  ])('says in Retry-After that %d s of texts wait, if each may wait %d ms', async (queued, timeoutMs, expected) => {
    const waiting = { ...service, queueSeconds: () => queued }
    const full = createApp({ service: waiting, timeoutMs, maxInputs: 100 })
    const response = await post(full, '/v1/classify', { ...body, inputs: Array(65).fill('ok') })
    expect(response.status).toBe(429)
    expect(response.headers.get('Retry-After')).toBe(expected)
  })

  it('answers 499 to a client that is gone', async () => {
    const signal = AbortSignal.abort()
    const headers = { 'Content-Type': 'application/json' }
    const gone = new Request('http://localhost/v1/classify', {
      method: 'POST',
      body: JSON.stringify(body),
      headers,
      signal,
    })
    expect(await problemOf(app.request(gone))).toMatchObject({ status: 499, code: 'client-gone' })
  })

  it('answers 503 once the service is closed', async () => {
    const closed = await createInference({
      bundles: [{ name: 'merged', dir: served.merged }],
      workers: 1,
      maxQueue: 2,
      maxBatchTokens: 512,
      maxAdapters: 1,
    })
    const app = createApp({ service: closed })
    expect((await app.request('/v2/health/ready')).status).toBe(200)
    await closed.close()
    const response = await post(app, '/v1/classify', body)
    expect(response.headers.get('Retry-After')).toBe('5')
    expect(await problemOf(response)).toMatchObject({ status: 503, code: 'serve-closed' })
    expect(await problemOf(app.request('/v2/health/ready'))).toMatchObject({ status: 503 })
    expect(await problemOf(app.request('/v2/models/merged/ready'))).toMatchObject({ status: 503 })
    expect((await app.request('/v2/health/live')).status).toBe(200)
  })
})
