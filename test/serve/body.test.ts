/** Bodies that are made to cost more than they weigh, and bodies that are not what they say. */
import { gzipSync } from 'node:zlib'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/serve/index.ts'
import { jsonOf, problemOf, type Served, serveBundles, uploadOf } from './fixtures.ts'

const adminKey = 'admin-key-0123456789'
const admin = { Authorization: `Bearer ${adminKey}` }

let served: Served
let app: ReturnType<typeof createApp>

beforeAll(async () => {
  served = await serveBundles()
  app = createApp({ service: served.service, adminKeys: [adminKey] })
})
afterAll(() => served.close())

const send = (body: RequestInit['body'], headers: Record<string, string> = {}, path = '/v1/classify') =>
  app.request(path, { method: 'POST', body, headers: { 'Content-Type': 'application/json', ...headers } })

const put = (body: RequestInit['body'], headers: Record<string, string> = {}) =>
  app.request('/v1/adapters/hostile', { method: 'PUT', body, headers: { ...admin, ...headers } })

const json = (inputs: unknown = 'ok') => JSON.stringify({ inputs, model: 'merged' })

describe('a JSON body', () => {
  it.each([
    [
      'not UTF-8',
      Buffer.concat([Buffer.from('{"inputs":"caf'), Buffer.from([0xe9]), Buffer.from('","model":"merged"}')]),
    ],
    ['cut off', json().slice(0, -2)],
    ['nothing', ''],
  ])('that is %s is refused', async (_, body) => {
    expect(await problemOf(send(body))).toMatchObject({ status: 400, code: 'invalid-body' })
  })

  it('in another charset is refused, and one that begins with a mark of UTF-8 read', async () => {
    const latin = { 'Content-Type': 'application/json; charset=iso-8859-1' }
    expect(await problemOf(send(json(), latin))).toMatchObject({ status: 415, code: 'unsupported-media-type' })
    expect((await send(`\uFEFF${json()}`, { 'Content-Type': 'application/json; charset="UTF-8"' })).status).toBe(200)
  })

  it.each([
    ['deep', `${'['.repeat(500_000)}${']'.repeat(500_000)}`, '/v1/classify'],
    ['deep within', `{"parameters":{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`, '/models/merged'],
    ['long', json(Array.from({ length: 300_000 }, () => '')), '/v1/classify'],
    ['long within', JSON.stringify({ inputs: [{ data: Array(300_000).fill('') }] }), '/v2/models/merged/infer'],
    ['wide', `{${Array.from({ length: 90_000 }, (_, at) => `"k${at}":0`).join()}}`, '/v1/classify'],
  ])('that is %s is refused', async (_, body, path) => {
    expect(await problemOf(send(body, {}, path))).toMatchObject({ status: 400 })
  })

  it('is not sent back whole where it is at fault', async () => {
    const response = await send(`{"inputs":"ok","${'x'.repeat(100_000)}":0}`)
    expect(response.status).toBe(400)
    expect((await response.text()).length).toBeLessThan(10_000)
  })

  it('is read where it is compressed', async () => {
    for (const encoding of ['gzip', 'x-gzip', 'GZIP', 'identity']) {
      const body = encoding === 'identity' ? json() : gzipSync(json())
      const answer = await send(body, { 'Content-Encoding': encoding })
      expect((await jsonOf(answer)).results).toHaveLength(1)
    }
  })

  it.each([
    ['of an encoding that is not known', 'br', gzipSync(json()), 415],
    ['of several encodings', 'gzip, gzip', gzipSync(gzipSync(json())), 415],
    ['that is not gzip', 'gzip', Buffer.from(json()), 400],
    ['that is cut off', 'gzip', gzipSync(json()).subarray(0, -9), 400],
    ['that expands beyond the limit', 'gzip', gzipSync(Buffer.alloc(200 * 2 ** 20)), 413],
  ])('%s is refused', async (_, encoding, body, status) => {
    const response = await send(body, { 'Content-Encoding': encoding })
    expect(response.headers.get('Accept-Encoding')).toBe(status === 415 ? 'gzip' : null)
    expect((await problemOf(response)).status).toBe(status)
  })
})

describe('an upload', () => {
  const boundary = { 'Content-Type': 'multipart/form-data; boundary=x' }
  const part = (name: string, headers = '') =>
    `--x\r\nContent-Disposition: form-data; name="${name}"; filename="f"${headers}\r\n\r\n{}\r\n`

  it.each([
    ['of 100,000 parts', `${part('a').repeat(100_000)}--x--\r\n`],
    ['of a part with endless headers', `${part('a', '\r\nX: y'.repeat(300_000))}--x--\r\n`],
  ])('%s is refused', async (_, body) => {
    expect(await problemOf(put(body, boundary))).toMatchObject({ status: 400, code: 'invalid-body' })
  })

  it('as a plain form is refused', async () => {
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
    expect(await problemOf(put('a=&'.repeat(100_000), form))).toMatchObject({ status: 415 })
  })

  it('may be compressed', async () => {
    const plain = new Request('http://x', { method: 'PUT', body: await uploadOf(served.adapters.mood) })
    const headers = { 'Content-Type': plain.headers.get('Content-Type')!, 'Content-Encoding': 'gzip' } // a form has one
    const response = await put(gzipSync(new Uint8Array(await plain.arrayBuffer())), headers)
    expect(await jsonOf<object>(response)).toMatchObject({ name: 'hostile', labels: ['2', '1', '0'] })
    await served.service.removeAdapter('unmerged', 'hostile')
  })

  async function uploadWith(name: string, content: string | Uint8Array<ArrayBuffer>): Promise<FormData> {
    const form = await uploadOf(served.adapters.mood)
    form.set(name, new File([content], name))
    return form
  }

  it.each([
    ['deep JSON', 'graft.json', `{"metrics":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['much JSON', 'adapter_config.json', `{"x":"${'a'.repeat(2 ** 20)}"}`],
    ['JSON that is not UTF-8', 'graft.json', new Uint8Array([0x22, 0xff, 0x22])],
  ])('with %s is refused', async (_, name, content) => {
    expect(await problemOf(put(await uploadWith(name, content)))).toMatchObject({ status: 400, path: name })
  })

  it('whose weights have a header of 300,000 tensors is refused, and holds up nobody', async () => {
    const entries = Array.from(
      { length: 300_000 },
      (_, at) => `"t${at}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`,
    )
    const header = Buffer.from(`{${entries.join()}}`)
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(header.length))
    const form = await uploadWith('adapter_model.safetensors', new Uint8Array(Buffer.concat([length, header])))
    expect(await problemOf(put(form))).toMatchObject({ status: 400, code: 'safetensors' })
    expect((await send(json())).status).toBe(200)
  })

  it.each(['lora_alpha', 'weights'])('whose %s give no numbers is refused, and the old one stays', async (kind) => {
    const before = served.service.models()
    const config = JSON.parse(await readFile(join(served.adapters.mood, 'adapter_config.json'), 'utf8'))
    const form = await uploadWith('adapter_config.json', JSON.stringify({ ...config, lora_alpha: 1e30 }))
    if (kind === 'weights') {
      form.set('adapter_config.json', new File([JSON.stringify(config)], 'adapter_config.json'))
      const bytes = new Uint8Array(await readFile(join(served.adapters.mood, 'adapter_model.safetensors')))
      const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))
      const values = new DataView(bytes.buffer, start)
      for (let at = 0; at + 4 <= values.byteLength; at += 4) values.setFloat32(at, 3e38, true)
      form.set('adapter_model.safetensors', new File([bytes], 'adapter_model.safetensors'))
    }
    const response = app.request('/v1/adapters/mood', { method: 'PUT', body: form, headers: admin })
    expect(await problemOf(response)).toMatchObject({ status: 400, code: 'adapter' })
    expect(served.service.models()).toEqual(before)
  })
})
