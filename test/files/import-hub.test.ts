/** `graft import` of a model on the hub: fetched once, checked, and gone on with where a download broke off. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readBase } from '../../src/files/base-folder.ts'
import { sha256 } from '../../src/files/hash.ts'
import { importModel } from '../../src/files/import.ts'
import { serializeSafetensors } from '../../src/core/safetensors.ts'
import { golden } from '../interop/ours.ts'

let dir: string
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'graft-import-'))))
afterEach(() => rm(dir, { recursive: true }))

const theirs = join(golden, 'bases', 'two-labels')
const out = () => join(dir, 'out')

describe('the hub', () => {
  let server: Server
  let url: string
  let requests: { path: string; range: string | undefined; token: string | undefined }[] = []
  /** Bytes after which the connection is cut, for the first request of the weights. */
  let cutAfter: number | undefined
  /** What is given for the weights instead of those that are listed. */
  let damaged: Buffer | undefined
  let files: Record<string, Buffer>

  const commit = 'c'.repeat(40)
  const gitHash = (bytes: Buffer) => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
  const entryOf = ([path, bytes]: [string, Buffer]) => ({
    type: 'file',
    path,
    size: bytes.length,
    oid: gitHash(bytes),
    ...(path.endsWith('.safetensors') && { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 100 } }),
  })

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(request.url ?? '').split('?')[0] ?? ''
    const { range, authorization: token } = request.headers
    requests.push({ path, range, token })
    const json = (value: unknown) => response.setHeader('content-type', 'application/json').end(JSON.stringify(value))
    if (path.startsWith('/api/models/org/private') && token === undefined) return void response.writeHead(401).end()
    if (path.startsWith('/api/models/') && path.includes('/tree/')) return void json(Object.entries(files).map(entryOf))
    if (path.startsWith('/api/models/org/missing')) return void response.writeHead(404).end()
    if (path.startsWith('/api/models/'))
      return void json({
        _id: '1',
        id: 'org/model',
        sha: commit,
        downloads: 0,
        likes: 0,
        private: false,
        gated: false,
        lastModified: '2026-01-01',
      })
    const bytes = (path.endsWith('.safetensors') && damaged) || files[path.split('/').at(-1) ?? '']
    if (!bytes) return void response.writeHead(404, { 'X-Error-Code': 'EntryNotFound' }).end()
    const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(range ?? '') ?? []
    const end = to === '' ? bytes.length : Math.min(bytes.length, Number(to) + 1)
    const part = bytes.subarray(Number(from), end)
    response.writeHead(range === undefined ? 200 : 206, {
      etag: `"${gitHash(bytes)}"`,
      'content-length': part.length,
      'content-range': `bytes ${from}-${end - 1}/${bytes.length}`,
    })
    if (cutAfter === undefined || part.length < cutAfter) return void response.end(part)
    response.write(part.subarray(0, cutAfter), () => setTimeout(() => response.destroy(), 50))
    cutAfter = undefined
  }

  beforeAll(async () => {
    server = createServer(answer)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => void server.close())
  beforeEach(async () => {
    requests = []
    cutAfter = undefined
    files = Object.fromEntries(
      await Promise.all(
        ['config.json', 'model.safetensors'].map(async (name) => [name, await readFile(join(theirs, name))] as const),
      ),
    )
  })

  const hub = () => ({ url, cacheDir: join(dir, 'cache') })

  it('gives a model by its id, once: the next import finds it in the cache', async () => {
    const progress: string[] = []
    const onProgress = (what: string, done: number, total: number) => void (done === total && progress.push(what))
    const result = await importModel('org/model', { out: out(), hub: hub(), onProgress })
    expect(result).toMatchObject({
      kind: 'base',
      source: 'org/model',
      revision: commit,
      labels: ['LABEL_0', 'LABEL_1'],
    })
    expect(progress).toEqual(['Downloading config.json', 'Downloading model.safetensors', 'Copying'])
    expect((await readBase(out())).sha256).toBe(result.sha256)
    requests = []
    await importModel('org/model', { out: out(), force: true, hub: hub() })
    expect(requests.filter(({ path }) => path.includes('/resolve/'))).toEqual([])
  })

  it('goes on where a download broke off', async () => {
    cutAfter = 20_000
    await expect(importModel('org/model', { out: out(), hub: hub() })).rejects.toMatchObject({ code: 'network' })
    expect(await readdir(dir)).toEqual(['cache'])
    requests = []
    await importModel('org/model', { out: out(), hub: hub() })
    const ranges = requests.flatMap(({ path, range }) =>
      path.includes('model.safetensors') && range !== 'bytes=0-0' ? [range] : [],
    )
    expect(ranges).toHaveLength(1)
    expect(ranges[0]).toMatch(/^bytes=(?!0-)\d+-/)
    expect((await readBase(out())).config.n_embd).toBe(16)
  })

  it('refuses bytes with another hash, and forgets them', async () => {
    damaged = Buffer.from(files['model.safetensors']!).fill(7, 9_000, 9_100)
    await expect(importModel('org/model', { out: out(), hub: hub() })).rejects.toMatchObject({ code: 'checksum' })
    damaged = undefined
    await importModel('org/model', { out: out(), hub: hub() })
  })

  it('sends the token, and says what is wrong without it or with the id', async () => {
    await expect(importModel('org/private', { out: out(), hub: hub() })).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('401'),
      hint: expect.stringContaining('HF_TOKEN'),
    })
    await importModel('org/private', { out: out(), hub: { ...hub(), accessToken: 'hf_test' } })
    expect(requests.at(-1)?.token).toBe('Bearer hf_test')
    await expect(importModel('org/missing', { out: join(dir, 'x'), hub: hub() })).rejects.toMatchObject({
      code: 'network',
    })
  })

  it('does not take a mistyped path for an id', async () => {
    await expect(importModel(join(dir, 'nothing'), { out: out(), hub: hub() })).rejects.toMatchObject({
      code: 'file-not-found',
    })
    await mkdir(join(dir, 'empty'))
    await writeFile(join(dir, 'empty', 'x.safetensors'), serializeSafetensors(new Map()))
    await expect(importModel(join(dir, 'empty'), { out: out() })).rejects.toMatchObject({ code: 'file-format' })
    expect(requests).toEqual([])
  })
})
