/** Adapters that come, change and go over HTTP, and the keys that it takes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp, type InferenceService } from '../../../src/serve/index.ts'
import { jsonOf, post, problemOf, type Served, serveBundles, uploadOf } from '../fixtures.ts'

const [apiKey, otherKey, adminKey] = ['api-key-0123456789', 'other-key-0123456789', 'admin-key-0123456789']
const bearer = (key: string) => ({ Authorization: `Bearer ${key}` })
const admin = bearer(adminKey)

let served: Served
let service: InferenceService
let app: ReturnType<typeof createApp>

beforeAll(async () => {
  served = await serveBundles()
  service = served.service
  app = createApp({ service, adminKeys: [adminKey] })
})
afterAll(() => served.close())

describe('adapters', () => {
  const put = async (name: string, dir: string) =>
    app.request(`/v1/adapters/${name}`, { method: 'PUT', body: await uploadOf(dir), headers: admin })
  const classify = (adapter: string) => post(app, '/v1/classify', { inputs: 'ok', model: 'unmerged', adapter })

  it('lists them', async () => {
    const { models } = await jsonOf(app.request('/v1/models'))
    expect(models.map(({ name, kind }: { name: string; kind: string }) => [name, kind])).toEqual([
      ['merged', 'merged'],
      ['unmerged', 'unmerged'],
    ])
    const { adapters } = await jsonOf(app.request('/v1/adapters'))
    expect(adapters).toContainEqual(
      expect.objectContaining({ model: 'unmerged', name: 'mood', labels: ['2', '1', '0'], maxLength: 32 }),
    )
  })

  it('come by upload, are replaced, and go', async () => {
    const added = await put('fresh', served.adapters.mood)
    expect(added.status).toBe(201)
    const { version } = await jsonOf(added)
    expect(await jsonOf(classify('fresh'))).toMatchObject({ adapter: 'fresh', version })
    const replaced = await put('fresh', served.adapters.spam)
    expect(replaced.status).toBe(200)
    expect((await jsonOf(classify('fresh'))).version).not.toBe(version)
    const removed = await app.request('/v1/adapters/fresh', { method: 'DELETE', headers: admin })
    expect(removed.status).toBe(204)
    expect(await problemOf(classify('fresh'))).toMatchObject({ status: 404, code: 'serve-adapter' })
    const again = app.request('/v1/adapters/fresh', { method: 'DELETE', headers: admin })
    expect(await problemOf(again)).toMatchObject({ status: 404 })
  })

  it('come from a folder, and are read again', async () => {
    const loaded = await app.request('/v1/adapters/stored?folder=mood', { method: 'PUT', headers: admin })
    expect(loaded.status).toBe(201)
    const { version } = await jsonOf(loaded)
    const reloaded = await app.request('/v1/adapters/stored/reload', { method: 'POST', headers: admin })
    expect(await jsonOf(reloaded)).toMatchObject({ name: 'stored', version })
    await app.request('/v1/adapters/stored?model=unmerged', { method: 'DELETE', headers: admin })
  })

  it('stay as they were after an upload that is damaged', async () => {
    await put('steady', served.adapters.mood)
    const before = await jsonOf(classify('steady'))
    const damaged = await uploadOf(served.adapters.spam)
    damaged.set('adapter_model.safetensors', new File(['damaged'], 'adapter_model.safetensors'))
    const refused = app.request('/v1/adapters/steady', { method: 'PUT', body: damaged, headers: admin })
    expect(await problemOf(refused)).toMatchObject({ status: 400, code: 'safetensors' })
    expect(await jsonOf(classify('steady'))).toEqual(before)
  })

  it('are refused without their files, or with broken ones', async () => {
    const upload = (body?: FormData) => app.request('/v1/adapters/x', { method: 'PUT', headers: admin, body })
    expect(await problemOf(upload())).toMatchObject({ status: 400, path: 'folder' })
    const form = await uploadOf(served.adapters.mood)
    form.delete('graft.json')
    expect(await problemOf(upload(form))).toMatchObject({ status: 400, path: 'graft.json' })
    form.set('graft.json', new File(['{'], 'graft.json'))
    expect(await problemOf(upload(form))).toMatchObject({ status: 400, path: 'graft.json' })
    form.set('graft.json', '{}')
    expect(await problemOf(upload(form))).toMatchObject({ status: 400, path: 'graft.json' })
    const json = app.request('/v1/adapters/x', {
      method: 'PUT',
      body: '{}',
      headers: { ...admin, 'Content-Type': 'application/json' },
    })
    expect(await problemOf(json)).toMatchObject({ status: 415 })
  })

  it.each([
    ['../mood', 400],
    ['/etc', 400],
    ['.hidden', 400],
    ['a/../../b', 400],
    ['nix', 404],
  ])('are not read from %s', async (folder, status) => {
    const path = `/v1/adapters/x?folder=${encodeURIComponent(folder)}`
    expect(await problemOf(app.request(path, { method: 'PUT', headers: admin }))).toMatchObject({ status })
  })

  it.each(['..%2Fspam', '%2e%2e%2fspam', '.hidden', 'a b', 'ä', `${'a'.repeat(129)}`, '%00'])(
    'are not named %s',
    async (name) => {
      const refused = app.request(`/v1/adapters/${name}`, { method: 'DELETE', headers: admin })
      expect(await problemOf(refused)).toMatchObject({ status: 400, path: 'name' })
    },
  )

  it('are not taken by a merged model', async () => {
    const refused = app.request('/v1/adapters/mood?model=merged', { method: 'DELETE', headers: admin })
    expect(await problemOf(refused)).toMatchObject({ status: 404, code: 'serve-adapter' })
  })
})

describe('keys', () => {
  const change = (app: ReturnType<typeof createApp>, headers = {}) =>
    app.request('/v1/adapters/nix', { method: 'DELETE', headers })
  const list = (app: ReturnType<typeof createApp>, headers = {}) => app.request('/v1/models', { headers })

  it('without an admin key nothing can be changed', async () => {
    const app = createApp({ service })
    expect(await problemOf(change(app))).toMatchObject({ status: 403, code: 'forbidden' })
    expect(await problemOf(change(app, admin))).toMatchObject({ status: 403 })
    for (const [method, path] of [
      ['PUT', '/v1/adapters/x?folder=mood'],
      ['POST', '/v1/adapters/mood/reload'],
    ] as const) {
      expect(await problemOf(app.request(path, { method }))).toMatchObject({ status: 403 })
    }
  })

  it('tell who may ask from who may change', async () => {
    const app = createApp({ service, apiKeys: [apiKey, otherKey], adminKeys: [adminKey] })
    for (const key of [apiKey, otherKey, adminKey]) expect((await list(app, bearer(key))).status).toBe(200)
    expect(await problemOf(change(app, bearer(apiKey)))).toMatchObject({ status: 403 })
    expect(await problemOf(change(app, admin))).toMatchObject({ status: 404 })
    for (const path of ['/v1/models', '/metrics', '/v2', '/v2/models/merged', '/nix']) {
      expect(await problemOf(app.request(path))).toMatchObject({ status: 401, code: 'unauthorized' })
    }
    for (const path of ['/v2/health/live', '/v2/health/ready', '/docs', '/openapi.json']) {
      expect((await app.request(path)).status).toBe(200)
    }
  })

  it.each([
    ['a wrong key', bearer('wrong-key-0123456789')],
    ['the start of a key', bearer(apiKey.slice(0, -1))],
    ['a key with more', bearer(`${apiKey}x`)],
    ['another scheme', { Authorization: `Basic ${apiKey}` }],
    ['a bare key', { Authorization: apiKey }],
    ['an empty key', { Authorization: 'Bearer ' }],
  ])('refuse %s', async (_, headers) => {
    const response = await list(createApp({ service, apiKeys: [apiKey] }), headers)
    expect(response.headers.get('WWW-Authenticate')).toBe('Bearer')
    expect(await problemOf(response)).toMatchObject({ status: 401 })
  })
})
