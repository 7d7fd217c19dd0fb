/** Twenty thousand random requests, seeded: none is answered with 500, and the app answers as before afterwards. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createRandom, type Random } from '../../src/core/random.ts'
import { createApp } from '../../src/serve/index.ts'
import { jsonOf, post, type Served, serveBundles } from './fixtures.ts'

const CASES = 20_000
const adminKey = 'admin-key-0123456789'

let served: Served
let app: ReturnType<typeof createApp>

beforeAll(async () => {
  served = await serveBundles({ maxQueue: 4096 })
  app = createApp({ service: served.service, adminKeys: [adminKey], maxBody: 4096, maxInputs: 4 })
})
afterAll(() => served.close())

/** Random choices from one seed. */
function createChooser(random: Random) {
  const below = (count: number) => Math.floor(random.uniform() * count)
  const pick = <T>(values: readonly [T, ...T[]]): T => values[below(values.length)] ?? values[0]
  const often = (share: number) => random.uniform() < share
  return { below, pick, often }
}

type Chooser = ReturnType<typeof createChooser>

const segments = ['v1', 'v2', 'models', 'classify', 'adapters', 'merged', 'unmerged', 'mood', 'infer', 'ready'] as const
const oddSegments = ['..', '%2e%2e', '%00', '%ff', '%', 'a b', '日本', '*', ':name', '{name}', '', '__proto__'] as const
const paths = [
  '/v1/classify',
  '/v1/models',
  '/v1/adapters',
  '/v1/adapters/mood/reload',
  '/v1/adapters/x?folder=mood',
  '/models/merged',
  '/models/unmerged/mood',
  '/v2/models/merged/infer',
  '/v2/models/merged',
  '/docs',
  '/openapi.json',
] as const

function randomPath({ below, pick, often }: Chooser): string {
  if (often(0.7)) return pick(paths) + (often(0.1) ? `?${pick(['model', 'folder', '%'])}=${pick(oddSegments)}` : '')
  const parts = Array.from({ length: below(5) }, () => (often(0.7) ? pick(segments) : pick(oddSegments)))
  return `/${parts.join('/')}`
}

const strings = [
  'ok',
  '',
  ' ',
  'merged',
  'unmerged',
  'mood',
  '../x',
  '\0',
  '\ud800',
  '🎉',
  'a'.repeat(999),
  'BYTES',
] as const
const keys = ['inputs', 'model', 'adapter', 'top_k', 'truncate', 'parameters', 'data', 'shape', 'name', 'x'] as const

function randomValue(chooser: Chooser, depth = 0): unknown {
  const { below, pick, often } = chooser
  const kind = below(depth > 3 ? 4 : 7)
  if (kind < 2) return pick(strings)
  if (kind === 2) return pick([null, true, false, 0, -1, 1e308, 0.5])
  if (kind === 3) return often(0.5) ? [] : {}
  const values = Array.from({ length: below(6) }, () => randomValue(chooser, depth + 1))
  return kind === 4 ? values : Object.fromEntries(values.map((value) => [pick(keys), value]))
}

/** Valid requests, of which one field at a time is made random. */
const templates: readonly [Record<string, unknown>, ...Record<string, unknown>[]] = [
  { inputs: 'ok', model: 'merged' },
  { inputs: ['ok', 'no'], model: 'unmerged', adapter: 'mood', top_k: 2, truncate: false },
  { inputs: 'ok', parameters: { top_k: 1 } },
  { inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['ok'] }], parameters: { adapter: 'mood' } },
]

function randomBody(chooser: Chooser): string {
  const { below, pick, often } = chooser
  if (often(0.1)) return 'x'.repeat(below(6000))
  const body = { ...pick(templates) }
  if (often(0.6)) body[often(0.7) ? pick(Object.keys(body) as ['inputs']) : pick(keys)] = randomValue(chooser)
  const json = JSON.stringify(often(0.1) ? randomValue(chooser) : body)
  return often(0.1) ? json.slice(0, below(json.length)) : json
}

const types = ['application/json', 'application/json; charset=utf-8', 'text/plain', 'multipart/form-data', 'x'] as const
const multipart = 'multipart/form-data; boundary=x'

function randomHeaders({ pick, often }: Chooser): Record<string, string> {
  const headers: Record<string, string> = { 'Content-Type': often(0.8) ? types[0] : pick([...types, multipart]) }
  if (often(0.5)) headers['Authorization'] = `Bearer ${often(0.8) ? adminKey : 'x'}`
  if (often(0.1)) headers['X-Timeout-Ms'] = pick(['1000', '0', '-1', 'x', '9'.repeat(30)])
  if (often(0.1)) headers['X-Request-Id'] = pick(['a', ' ', 'é', 'x'.repeat(300)])
  if (often(0.1)) headers['Content-Length'] = pick(['0', '-1', 'x', '99999'])
  if (often(0.1)) headers['Transfer-Encoding'] = 'chunked'
  return headers
}

function randomRequest(chooser: Chooser): [string, RequestInit] {
  const method = chooser.often(0.7) ? 'POST' : chooser.pick(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'FOO'])
  const body = method === 'GET' || method === 'HEAD' ? undefined : randomBody(chooser)
  return [randomPath(chooser), { method, body, headers: randomHeaders(chooser) }]
}

it(`answers ${CASES} random requests without a defect`, async () => {
  const chooser = createChooser(createRandom(7))
  const statuses = new Map<number, number>()
  const faults: object[] = []
  for (let at = 0; at < CASES; at += 50) {
    const requests = Array.from({ length: 50 }, () => randomRequest(chooser))
    for (const [index, response] of (await Promise.all(requests.map((each) => app.request(...each)))).entries()) {
      const { status } = response
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      const isProblem = response.headers.get('Content-Type') === 'application/problem+json'
      if (status === 500 || isProblem !== status >= 400) faults.push({ status, request: requests[index] })
    }
  }
  expect(faults).toEqual([])
  // The cases reach what they are meant for.
  for (const status of [200, 400, 401, 403, 404, 405, 413, 415]) expect(statuses.get(status)).toBeGreaterThan(50)
  const { results } = await jsonOf(post(app, '/v1/classify', { inputs: 'ok', model: 'merged' }))
  expect(results).toHaveLength(1)
})
