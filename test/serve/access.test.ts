/** Who is let in by which name, what is read from where, and what is found before it is served. */
import { scoreOf } from '../fixtures/adapter.ts'
import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readAdapter, writeAdapter } from '../../src/files/adapter-folder.ts'
import { readRecord } from '../../src/files/record.ts'
import { openBundle } from '../../src/runtime/index.ts'
import { isLoopback } from '../../src/serve/host.ts'
import { createApp, createInference, startServer } from '../../src/serve/index.ts'
import { post, problemOf, type Served, serveBundles, uploadOf } from './fixtures.ts'

const adminKey = 'admin-key-0123456789'
const admin = { Authorization: `Bearer ${adminKey}` }
const limits = { maxQueue: 64, maxBatchTokens: 512, maxAdapters: 4, workers: 1 }

let served: Served
let app: ReturnType<typeof createApp>

beforeAll(async () => {
  served = await serveBundles()
  app = createApp({ service: served.service, adminKeys: [adminKey] })
})
afterAll(() => served.close())

const open = (dir: string, options: object = {}) =>
  createInference({ bundles: [{ name: 'bundle', dir }], ...limits, ...options })

describe('a host', () => {
  const status = async (host: string, allowedHosts?: string[]) => {
    const checked = createApp({ service: served.service, allowedHosts })
    return (await checked.request('/v2/health/live', { headers: { Host: host } })).status
  }

  it.each(['localhost', 'LOCALHOST:8080', 'localhost.', 'x.localhost', '127.0.0.1:1', '[::1]:8080', '10.0.0.7', ''])(
    'is let in that no site can point here: %j',
    async (host) => expect(await status(host, [])).toBe(200),
  )

  it.each([
    'evil.example',
    'evil.example:8080',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'good.example.evil',
  ])('is kept out that a site can point here: %s', async (host) => {
    expect(await status(host, ['good.example'])).toBe(403)
    expect(await status(host)).toBe(200)
  })

  it('is let in that is named', async () => expect(await status('Good.Example:80', ['GOOD.example.:8080'])).toBe(200))

  it('is this machine, or not', () => {
    expect(['127.0.0.1', '127.8.8.8', '::1', 'localhost'].map(isLoopback)).toEqual([true, true, true, true])
    expect(['0.0.0.0', '::', '10.0.0.7', '127.evil.example'].map(isLoopback)).toEqual([false, false, false, false])
  })
})

describe('a bundle', () => {
  async function copyOf(dir: string, name: string): Promise<string> {
    const copy = join(served.dir, name)
    await cp(dir, copy, { recursive: true })
    return copy
  }

  it.each(['onnx/model.onnx', 'config.json', 'golden.json', 'adapters/mood/adapter_model.safetensors'])(
    'with one flipped bit in %s is not opened',
    async (path) => {
      const dir = await copyOf(served.unmerged, `flipped-${path.replaceAll('/', '-')}`)
      const bytes = await readFile(join(dir, path))
      bytes[bytes.length - 2]! ^= 1 // none of them is empty
      await writeFile(join(dir, path), bytes)
      const refused = { code: 'bundle', message: expect.stringContaining(`${path} is damaged or was changed`) }
      await expect(open(dir)).rejects.toMatchObject(refused)
      await expect(openBundle(dir)).rejects.toMatchObject(refused)
    },
  )

  it('is opened in a hurry as it is', async () => {
    const dir = await copyOf(served.merged, 'hurried')
    await writeFile(join(dir, 'golden.json'), `${await readFile(join(dir, 'golden.json'), 'utf8')}\n`)
    const classifier = await openBundle(dir, { verify: false })
    expect(await classifier.classify('ok')).toMatchObject({ tokens: 1 })
    await classifier.close()
    const service = await open(dir, { verify: false })
    expect(service.ready()).toBe(true)
    await service.close()
  })

  it('whose adapter gives no numbers is not served', async () => {
    const dir = await copyOf(served.unmerged, 'infinite')
    // Finite weights of the head, whose products are not.
    const adapter = await readAdapter(join(dir, 'adapters/mood'))
    const huge = join(served.dir, 'huge')
    const { shape, data } = scoreOf(adapter)
    await writeAdapter(huge, { ...adapter, head: new Map([['score.weight', { shape, data: data.map(() => 3e38) }]]) })
    await cp(join(huge, 'adapter_model.safetensors'), join(dir, 'adapters/mood/adapter_model.safetensors'))
    const refused = { code: 'adapter', message: expect.stringContaining(join('adapters', 'mood')) }
    await expect(open(dir, { verify: false })).rejects.toMatchObject(refused)
    const classifier = await openBundle(dir, { verify: false })
    await expect(classifier.classify('ok', { adapter: 'mood' })).rejects.toMatchObject({ code: 'runtime' })
    await classifier.close()
  })

  it('whose numbers end at a text answers that with 500, and says so in the log', async () => {
    const lines: string[] = []
    const log = pino({}, { write: (line: string) => lines.push(line) })
    // The padding token stands for nothing in a text, so that no probe has it: its embedding is not read.
    const dir = await copyOf(served.merged, 'poisoned')
    const { service } = await poisoned(dir)
    const answer = post(createApp({ service, log }), '/v1/classify', { inputs: 'poison' })
    expect(await problemOf(answer)).toMatchObject({ status: 500, code: 'unexpected' })
    expect(lines.join('')).toContain('are no numbers')
    expect((await post(createApp({ service }), '/v1/classify', { inputs: 'ok' })).status).toBe(200)
    await service.close()
  })
})

/** A merged model in which the embedding of one token of "poison" is infinite. */
async function poisoned(dir: string) {
  const { onnx } = (await import('onnx-proto')).default
  const { createEncoder } = await import('../../src/runtime/encoder.ts')
  const { modelOf, parseConfig } = await import('../../src/core/families.ts')
  const config = parseConfig(JSON.parse(await readFile(join(dir, 'config.json'), 'utf8')), 'config.json')
  const encode = await createEncoder(config, 'gpt2')
  const [id = 0] = encode('poison', 8).ids
  const file = join(dir, 'onnx/model.onnx')
  const model = onnx.ModelProto.decode(await readFile(file))
  const embedding = model.graph!.initializer!.find(({ dims }) => Number(dims?.[0]) === config.vocab_size)! // of every model
  const raw = Buffer.from(embedding.rawData!)
  raw.writeFloatLE(Infinity, 4 * id * modelOf(config).sizes.width)
  embedding.rawData = raw
  await writeFile(file, onnx.ModelProto.encode(model).finish())
  return { service: await open(dir, { verify: false }) }
}

describe('an adapter', () => {
  const put = (name: string, folder: string) =>
    app.request(`/v1/adapters/${name}?folder=${folder}`, { method: 'PUT', headers: admin })

  it('whose files are links out of the adapter directory is not read', async () => {
    const outside = `${served.dir}-outside`
    await cp(served.adapters.mood, outside, { recursive: true })
    await symlink(outside, join(served.dir, 'linked'))
    await cp(served.adapters.mood, join(served.dir, 'half'), { recursive: true })
    await rm(join(served.dir, 'half/graft.json'))
    await symlink(join(outside, 'graft.json'), join(served.dir, 'half/graft.json'))
    for (const name of ['linked', 'half']) {
      expect(await problemOf(put('link', name))).toMatchObject({ status: 400, code: 'usage' })
    }
    await rm(join(served.dir, 'half/graft.json'))
    await symlink('../mood/graft.json', join(served.dir, 'half/graft.json'))
    expect((await put('link', 'half')).status).toBe(201)
    await served.service.removeAdapter('unmerged', 'link')
    await rm(outside, { recursive: true })
  })

  it('that is not as Graft wrote it is refused, in a hurry not', async () => {
    const folder = join(served.dir, 'edited')
    await cp(served.adapters.mood, folder, { recursive: true })
    expect(await readRecord(folder)).toBeDefined()
    const file = join(folder, 'graft.json')
    await writeFile(file, `${await readFile(file, 'utf8')} `)
    expect(await problemOf(put('edited', 'edited'))).toMatchObject({ status: 400, code: 'adapter' })
    const adapterDir = join(served.dir, 'hurried')
    await cp(folder, join(adapterDir, 'edited'), { recursive: true })
    const hurried = await open(served.unmerged, { verify: false, adapterDir })
    expect(await hurried.loadAdapter('bundle', 'edited', 'edited')).toMatchObject({ created: true })
    await hurried.close()
  })

  it('that is not made of files is refused', async () => {
    await cp(served.adapters.mood, join(served.dir, 'folders'), { recursive: true })
    await rm(join(served.dir, 'folders/graft.json'))
    await mkdir(join(served.dir, 'folders/graft.json'))
    expect(await problemOf(put('folders', 'folders'))).toMatchObject({ status: 400, code: 'adapter' })
  })

  it('that is made twice at once is created once', async () => {
    const upload = async () =>
      app.request('/v1/adapters/twice', { method: 'PUT', body: await uploadOf(served.adapters.mood), headers: admin })
    const statuses = (await Promise.all([upload(), upload()])).map(({ status }) => status)
    expect(statuses.toSorted()).toEqual([200, 201])
    await served.service.removeAdapter('unmerged', 'twice')
  })

  it('that left memory comes back as the version that it was', async () => {
    const adapterDir = join(served.dir, 'small')
    await cp(served.adapters.spam, join(adapterDir, 'evicted'), { recursive: true })
    const small = await createInference({
      bundles: [{ name: 'unmerged', dir: served.unmerged }],
      ...limits,
      maxAdapters: 1,
      adapterDir,
    })
    const text = { model: 'unmerged', texts: ['ok'], truncate: true }
    await small.loadAdapter('unmerged', 'evicted', 'evicted')
    await small.classify({ ...text, adapter: 'mood' })
    await rename(join(adapterDir, 'evicted'), join(adapterDir, 'away'))
    await cp(served.adapters.topic, join(adapterDir, 'evicted'), { recursive: true })
    const changed = { code: 'serve-adapter', message: expect.stringContaining('another version') }
    await expect(small.classify({ ...text, adapter: 'evicted' })).rejects.toMatchObject(changed)
    await small.loadAdapter('unmerged', 'evicted')
    expect((await small.classify({ ...text, adapter: 'evicted' })).results[0]?.scores).toHaveLength(4)
    await small.close()
  })

  it.each([
    ['PUT', '/v1/adapters/'],
    ['DELETE', '/v1/adapters/'],
    ['POST', '/v1/adapters//reload'],
    ['POST', '/models/unmerged/'],
    ['PUT', '/v1/adapters/%20'],
  ])('without a name is refused: %s %s', async (method, path) => {
    const refused = app.request(path, { method, headers: admin })
    expect(await problemOf(refused)).toMatchObject({ status: 400, code: 'invalid-request' })
  })
})

describe('the docs', () => {
  it.each([
    ['/', 'docs'],
    ['/docs/', '../docs'],
  ])('are where %s leads to, a key or not', async (path, target) => {
    const response = await createApp({ service: served.service, apiKeys: [adminKey] }).request(path)
    expect([response.status, response.headers.get('Location')]).toEqual([302, target])
  })

  it('name what is served only where everybody may know', async () => {
    const page = async (apiKeys: string[]) =>
      (await createApp({ service: served.service, apiKeys }).request('/docs')).text()
    expect(await page([])).toContain('unmerged: mood')
    expect(await page([adminKey])).not.toContain('mood')
  })
})

describe('a connection', () => {
  /** Everything that comes back. */
  async function ask(url: string, text: string): Promise<string> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk))
    socket.write(text)
    await new Promise((resolve) => socket.on('close', resolve))
    return answer
  }

  it('of HTTP/1.0 needs no host', async () => {
    const server = await startServer({ app, port: 0, host: '127.0.0.1' })
    expect(await ask(server.url, 'GET /v2/health/ready HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 [^]*"ready":true/)
    await server.close()
  })

  it('is kept as long as is said', async () => {
    const answers = [{}, { keepAliveTimeout: 5000 }].map(async (options) => {
      const server = await startServer({ app, port: 0, host: '127.0.0.1', ...options })
      const { headers } = await fetch(`${server.url}/v2/health/live`)
      await server.close()
      return headers.get('Keep-Alive')
    })
    expect(await Promise.all(answers)).toEqual(['timeout=75', 'timeout=5'])
  })

  it.each([
    ['an announced body', 'Content-Length: 50'],
    ['chunks', 'Transfer-Encoding: chunked'],
  ])('that ends in the midst of %s is no error', async (_, header) => {
    const lines: { level: number; status?: number }[] = []
    const log = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) })
    const server = await startServer({ app: createApp({ service: served.service, log }), port: 0, host: '127.0.0.1' })
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    const head = `POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${header}\r\n\r\n`
    socket.write(`${head}5\r\n{"inp\r\n`)
    await new Promise((resolve) => setTimeout(resolve, 100))
    socket.destroy()
    await expect.poll(() => lines).toMatchObject([{ level: 30, status: 499, code: 'client-gone' }])
    await server.close()
  })
})
