/** What holds for every route: methods, ids, headers, log, metrics, description. */
import { setTimeout } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp, createMetrics, type InferenceService } from '../../src/serve/index.ts'
import { jsonOf, post, problemOf, type Served, serveBundles } from './fixtures.ts'

const apiKey = 'api-key-0123456789'
const bearer = (key: string) => ({ Authorization: `Bearer ${key}` })
const metrics = createMetrics()

interface Description {
  paths: {
    '/v1/classify': {
      post: { responses: object; requestBody: { content: { 'application/json': { schema: object } } } }
    }
  }
  components: { schemas: { ClassifyRequest: { properties: { inputs: { anyOf: [object, { maxItems: number }] } } } } }
}

let served: Served
let service: InferenceService
let app: ReturnType<typeof createApp>

beforeAll(async () => {
  served = await serveBundles({ observer: metrics.observer })
  service = served.service
  app = createApp({ service, metrics, maxInputs: 8 })
})
afterAll(() => served.close())

describe('every answer', () => {
  it('says which methods a route has', async () => {
    const response = await app.request('/v1/classify')
    expect(response.headers.get('Allow')).toBe('POST')
    expect(await problemOf(response)).toMatchObject({ status: 405, code: 'method-not-allowed' })
    expect(await problemOf(app.request('/nix'))).toMatchObject({ status: 404, code: 'not-found' })
  })

  it('has the id of the request, its own or a new one', async () => {
    const id = async (sent: string) =>
      (await app.request('/v2', { headers: { 'X-Request-Id': sent } })).headers.get('X-Request-Id')
    expect(await id('abc-1')).toBe('abc-1')
    expect(await id('not an id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('has secure headers, and is for no other site unless one is given', async () => {
    const origin = { Origin: 'https://example.org' }
    const { headers } = await app.request('/v2', { headers: origin })
    expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'")
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
    expect(headers.has('Access-Control-Allow-Origin')).toBe(false)
    const open = createApp({ service, apiKeys: [apiKey], corsOrigins: ['https://example.org'] })
    const allowed = await open.request('/v1/models', { headers: { ...origin, ...bearer(apiKey) } })
    expect(allowed.headers.get('Access-Control-Allow-Origin')).toBe('https://example.org')
    const preflight = { ...origin, 'Access-Control-Request-Method': 'POST' }
    expect((await open.request('/v1/classify', { method: 'OPTIONS', headers: preflight })).status).toBe(204)
    const other = await open.request('/v1/models', { headers: { Origin: 'https://example.com', ...bearer(apiKey) } })
    expect(other.headers.has('Access-Control-Allow-Origin')).toBe(false)
  })

  it('is logged without text, key or query; a defect is logged and not told', async () => {
    const lines: string[] = []
    const log = pino({}, { write: (line: string) => lines.push(line) })
    const broken = { ...service, classify: () => Promise.reject(new Error('private detail')) }
    const request = { inputs: 'confidential', model: 'merged' }
    await post(createApp({ service, log }), '/v1/classify?confidential=1', request, bearer('confidential-key-1'))
    await createApp({ service, log }).request('/confidential')
    const failed = post(createApp({ service: broken, log }), '/v1/classify', request)
    expect(await problemOf(failed)).toMatchObject({ status: 500, code: 'unexpected' })
    expect(lines.join('')).not.toContain('confidential')
    const [first, second, defect, third] = lines.map((line) => JSON.parse(line))
    expect(first).toMatchObject({ route: '/v1/classify', status: 200, model: 'merged', texts: 1, tokens: 2 })
    expect(first.requestId).toMatch(/^[0-9a-f-]{36}$/)
    expect(second).toMatchObject({ route: 'unmatched', status: 404, code: 'not-found' })
    expect(defect.error).toContain('private detail')
    expect(third).toMatchObject({ status: 500, code: 'unexpected', requestId: defect.requestId })
  })
})

describe('GET /metrics', () => {
  it('tells requests, batches, queue, adapters, memory and lag in base units', async () => {
    await post(app, '/v1/classify', { inputs: ['ok', 'no'], model: 'merged' })
    const response = await app.request('/metrics')
    expect(response.headers.get('Content-Type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const text = await response.text()
    for (const line of [
      /^http_server_request_duration_seconds_count\{http_request_method="POST",http_route="\/v1\/classify",http_response_status_code="200"\} [1-9]/m,
      /^http_server_active_requests 1$/m,
      /^graft_texts_total\{model="merged"\} [1-9]/m,
      /^graft_queue_size 0$/m,
      /^graft_queue_wait_seconds_count [1-9]/m,
      /^graft_batch_rows_count\{model="merged"\} [1-9]/m,
      /^graft_batch_tokens_sum\{model="merged"\} [1-9]/m,
      /^graft_batch_padding_ratio_sum\{model="merged"\} 0/m,
      /^graft_batch_duration_seconds_count\{model="merged"\} [1-9]/m,
      /^graft_adapters\{model="unmerged",state="resident"\} [1-9]/m,
      /^process_resident_memory_bytes [1-9]/m,
      /^nodejs_eventloop_delay_p99_seconds 0\.\d+$/m,
    ]) {
      expect(text).toMatch(line)
    }
    expect(text).not.toContain('eventloop_lag')
  })

  it('tells of a stall of the event loop once', async () => {
    const measured = createApp({ service, metrics: createMetrics() })
    const longest = async () => {
      await setTimeout(30)
      const text = await (await measured.request('/metrics')).text()
      return Number(/^nodejs_eventloop_delay_max_seconds (.*)$/m.exec(text)?.[1])
    }
    await longest()
    await setTimeout(30) // after a scrape, Node leaves out the first interval
    const end = performance.now() + 2000
    while (performance.now() < end);
    expect(await longest()).toBeGreaterThan(1.9)
    expect(await longest()).toBeLessThan(1.9)
  })
})

describe('the description', () => {
  it('names every route, and each problem that it may answer with', async () => {
    const document = await jsonOf<Description>(app.request('/openapi.json'))
    const paths = Object.entries<object>(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(paths.toSorted()).toEqual([
      'DELETE /v1/adapters/{name}',
      'GET /metrics',
      'GET /v1/adapters',
      'GET /v1/models',
      'GET /v2',
      'GET /v2/health/live',
      'GET /v2/health/ready',
      'GET /v2/models/{model}',
      'GET /v2/models/{model}/ready',
      'POST /models/{name}',
      'POST /models/{name}/{adapter}',
      'POST /v1/adapters/{name}/reload',
      'POST /v1/classify',
      'POST /v2/models/{model}/infer',
      'PUT /v1/adapters/{name}',
    ])
    const { responses, requestBody } = document.paths['/v1/classify'].post
    expect(Object.keys(responses)).toEqual(['200', '400', '401', '404', '413', '415', '429', '503', '504'])
    expect(requestBody.content['application/json'].schema).toEqual({ $ref: '#/components/schemas/ClassifyRequest' })
    expect(document.components.schemas.ClassifyRequest.properties.inputs.anyOf[1].maxItems).toBe(8)
  })

  it('can be browsed without a network', async () => {
    const page = await app.request('/docs')
    expect(page.headers.get('Content-Security-Policy')).toContain("script-src 'self'")
    const html = await page.text()
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!) // the group is in the pattern
    expect(links.filter((link) => /^(https?:)?\/\//.test(link))).toEqual([])
    for (const link of links.filter((link) => link.startsWith('docs/'))) {
      expect((await app.request(`/${link}`)).status).toBe(200)
    }
  })

  it('is a page with every route, its fields, and a call that works as it stands', async () => {
    const html = await (await app.request('/docs')).text()
    const document = await jsonOf<Description>(app.request('/openapi.json'))
    for (const path of Object.keys(document.paths)) expect(html).toContain(`<span class="path">${path}</span>`)
    for (const field of ['results[].scores[].label', 'inputs[].data', 'parameters.top_k']) {
      expect(html).toContain(`<dt>${field}</dt>`)
    }
    // What the first call sends.
    const [, body = ''] = /<pre id="command">.*?-d &#39;(.*?)&#39;<\/pre>/s.exec(html) ?? []
    const answer = await post(app, '/v1/classify', body.replaceAll('&quot;', '"'))
    expect(answer.status).toBe(200)
  })

  it('is text, whatever a model is named', async () => {
    const models = () => service.models().map((model) => ({ ...model, name: '<img src=x>"\'' }))
    const html = await (await createApp({ service: { ...service, models } }).request('/docs')).text()
    expect(html).not.toContain('<img src=x')
  })
})
