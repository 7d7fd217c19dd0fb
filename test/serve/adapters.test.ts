import { cp, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GraftError } from '../../src/core/errors.ts'
import { readAdapter } from '../../src/files/adapter-folder.ts'
import { createRandom } from '../../src/core/random.ts'
import type { ClassifyResult, InferenceService } from '../../src/serve/service.ts'
import { difference, type ServeFixture, serve, texts, writeServeFixture } from './inference-fixtures.ts'

let fixture: ServeFixture

beforeAll(async () => {
  fixture = await writeServeFixture(24)
})

afterAll(() => rm(fixture.dir, { recursive: true }))

const classify = (service: InferenceService, adapter: string, chosen = texts) =>
  service.classify({ model: 'tiny', adapter, texts: chosen, truncate: true })

const versionOf = (service: InferenceService, adapter: string) =>
  classify(service, adapter, ['ok']).then(({ version }) => version)

const find = (service: InferenceService, name: string) =>
  service.models()[0]!.adapters.find((adapter) => adapter.name === name)

describe('adapters', () => {
  it('are told apart by their answers, in this test', () => {
    const answers = fixture.versions.map(({ expected }) =>
      JSON.stringify(expected[2]!.scores.map(({ score }) => score.toFixed(3))),
    )
    expect(new Set(answers).size).toBe(24)
  })

  it('come, are replaced, and go', async () => {
    const service = await serve(fixture)
    const [, , second, third] = fixture.versions
    const status = await service.putAdapter('tiny', 'mood', second!.files)
    expect(status).toEqual({ ...find(service, 'mood'), created: true })
    expect(status).toMatchObject({ name: 'mood', version: second!.sha256, labels: ['2', '1', '0'], resident: true })
    const before = classify(service, 'mood')
    await service.putAdapter('tiny', 'mood', third!.files)
    expect((await before).version).toBe(second!.sha256)
    expect(await versionOf(service, 'mood')).toBe(third!.sha256)
    const during = classify(service, 'mood')
    await service.removeAdapter('tiny', 'mood')
    expect((await during).version).toBe(third!.sha256)
    await expect(classify(service, 'mood')).rejects.toMatchObject({ code: 'serve-adapter' })
    await expect(service.removeAdapter('tiny', 'mood')).rejects.toMatchObject({ code: 'serve-adapter' })
    await service.close()
    await expect(service.putAdapter('tiny', 'mood', third!.files)).rejects.toMatchObject({ code: 'serve-closed' })
  })

  it('that are refused leave the old one serving', async () => {
    const service = await serve(fixture, { maxRank: 2 }).catch((error: unknown) => error)
    expect(service).toMatchObject({ code: 'adapter', message: expect.stringContaining('its rank is 4') })
    const running = await serve(fixture)
    const { files } = fixture.versions[0]!
    const config = files['adapter_config.json'] as object
    const info = files['graft.json'] as { baseSha256: string }
    const weights = files['adapter_model.safetensors']
    const bad = {
      'adapter-base': { ...files, 'graft.json': { ...info, baseSha256: '0'.repeat(64) } },
      safetensors: { ...files, 'adapter_model.safetensors': weights.subarray(0, weights.length - 4) },
      adapter: { ...files, 'adapter_config.json': { ...config, r: 3 } },
    }
    for (const [code, each] of Object.entries(bad)) {
      await expect(running.putAdapter('tiny', 'spam', each)).rejects.toMatchObject({ code })
    }
    const infinite = Uint8Array.from(weights)
    new DataView(infinite.buffer).setFloat32(infinite.length - 4, Infinity, true)
    const notFinite = running.putAdapter('tiny', 'spam', { ...files, 'adapter_model.safetensors': infinite })
    await expect(notFinite).rejects.toMatchObject({ code: 'adapter', message: expect.stringContaining('Infinity') })
    await expect(running.putAdapter('tiny', '../x', files)).rejects.toMatchObject({ code: 'usage' })
    expect(await versionOf(running, 'spam')).toBe(fixture.versions[0]!.sha256)
    await running.close()
  })

  it('in the adapter directory are loaded by folder, and read again, from nowhere else', async () => {
    const adapterDir = await mkdtemp(join(tmpdir(), 'graft-adapters-'))
    const service = await serve(fixture, { adapterDir })
    const code = (code: string) => expect.objectContaining({ code })
    await cp(fixture.versions[2]!.folder, join(adapterDir, 'mood'), { recursive: true })
    await symlink(fixture.versions[3]!.folder, join(adapterDir, 'link'))
    // A name is never a path: without a folder there has to be one that the adapter came from.
    await expect(service.loadAdapter('tiny', 'mood')).rejects.toEqual(code('serve-adapter'))
    expect(await service.loadAdapter('tiny', 'other', 'mood')).toMatchObject({ version: fixture.versions[2]!.sha256 })
    expect(await service.loadAdapter('tiny', 'mood', 'mood')).toMatchObject({ version: fixture.versions[2]!.sha256 })
    expect(await service.loadAdapter('tiny', 'spam')).toMatchObject({ version: fixture.versions[0]!.sha256 })
    await expect(service.loadAdapter('tiny', 'x', '../adapters/v2')).rejects.toEqual(code('usage'))
    await expect(service.loadAdapter('tiny', 'x', fixture.versions[2]!.folder)).rejects.toEqual(code('usage'))
    await expect(service.loadAdapter('tiny', 'x', '.')).rejects.toEqual(code('usage'))
    await expect(service.loadAdapter('tiny', 'x', 'link')).rejects.toEqual(code('usage'))
    await expect(service.loadAdapter('tiny', 'x', 'missing')).rejects.toEqual(code('file-not-found'))
    await writeFile(join(adapterDir, 'mood', 'graft.json'), '{')
    await expect(service.loadAdapter('tiny', 'mood')).rejects.toEqual(code('adapter'))
    expect(await versionOf(service, 'mood')).toBe(fixture.versions[2]!.sha256)
    await service.close()
    await rm(adapterDir, { recursive: true })
  })

  it('that were uploaded are kept in the adapter directory, and nothing else there is replaced or removed', async () => {
    const adapterDir = await mkdtemp(join(tmpdir(), 'graft-adapters-'))
    const service = await serve(fixture, { adapterDir })
    const [, , second, third] = fixture.versions
    const code = (code: string) => expect.objectContaining({ code })
    await expect(serve(fixture, { adapterDir })).rejects.toEqual(code('file-locked'))
    await service.putAdapter('tiny', 'mood', second!.files)
    await service.putAdapter('tiny', 'mood', third!.files)
    const { info } = await readAdapter(join(adapterDir, 'mood'))
    expect(info).toEqual(third!.files['graft.json'])
    expect(await service.loadAdapter('tiny', 'mood')).toMatchObject({ version: third!.sha256, created: false })
    // What a training run wrote there, or a person changed, is no upload.
    await cp(second!.folder, join(adapterDir, 'trained'), { recursive: true })
    await expect(service.putAdapter('tiny', 'trained', third!.files)).rejects.toEqual(code('file-exists'))
    expect(await service.loadAdapter('tiny', 'trained', 'trained')).toMatchObject({ version: second!.sha256 })
    for (const name of ['trained', 'mood']) await service.removeAdapter('tiny', name)
    expect(await readdir(adapterDir)).toEqual([expect.stringMatching(/^\.serve\..*lock$/), 'trained'])
    await service.close()
    expect(await readdir(adapterDir)).toEqual(['trained'])
    const again = await serve(fixture, { adapterDir })
    await again.close()
    await rm(adapterDir, { recursive: true })
  })

  it('that were uploaded to a server without an adapter directory cannot be read again', async () => {
    const service = await serve(fixture)
    await service.putAdapter('tiny', 'uploaded', fixture.versions[2]!.files)
    await expect(service.loadAdapter('tiny', 'uploaded')).rejects.toMatchObject({ code: 'usage' })
    await service.close()
  })

  it('beyond the limit leave memory, the least recently used first, and come back when asked for', async () => {
    const adapterDir = await mkdtemp(join(tmpdir(), 'graft-adapters-'))
    const service = await serve(fixture, { adapterDir, maxAdapters: 4 })
    const folder = join(adapterDir, 'v9')
    await cp(fixture.versions[9]!.folder, folder, { recursive: true })
    await service.loadAdapter('tiny', 'v9', 'v9')
    for (let version = 0; version < 8; version++) {
      await classify(service, 'spam', ['ok'])
      await service.putAdapter('tiny', `v${version}`, fixture.versions[version]!.files)
      expect(find(service, 'spam')?.resident).toBe(true)
    }
    const resident = () => service.models()[0]!.adapters.filter((adapter) => adapter.resident)
    expect(resident().map(({ name }) => name)).toEqual(['spam', 'v5', 'v6', 'v7'])
    expect(find(service, 'v9')).toMatchObject({ resident: false, version: fixture.versions[9]!.sha256 })
    const answers = await Promise.all([0, 1, 2, 3, 9, 4, 5, 6, 7, 0].map((version) => classify(service, `v${version}`)))
    for (const { version, results } of answers) {
      const { expected } = fixture.versions.find(({ sha256 }) => sha256 === version)!
      expect(Math.max(...expected.map((each, i) => difference(results[i], each)))).toBeLessThan(1e-5)
    }
    expect(new Set(answers.map(({ version }) => version)).size).toBe(9)
    expect(resident()).toHaveLength(4)
    for (const version of [1, 2, 3, 4]) await classify(service, `v${version}`)
    await rm(adapterDir, { recursive: true })
    await expect(classify(service, 'v9')).rejects.toMatchObject({
      code: 'serve-adapter',
      message: expect.stringContaining('does not exist'),
    })
    await service.close()
  })

  it('change 1,000 times during 10,000 requests, and each answer is that of the version that was asked for', async () => {
    const service = await serve(fixture, { maxAdapters: 6, adapterDir: join(fixture.dir, 'adapters') })
    const names = Array.from({ length: 8 }, (_, at) => `a${at}`)
    /** Version by name; an adapter that just changes is neither. */
    const current = new Map<string, number | undefined>()
    const changing = new Set<string>()
    const fromFolder = new Set<string>()
    const done = { upload: 0, folder: 0, reload: 0, remove: 0 }
    const random = createRandom(7)
    const pick = (count: number) => Math.floor(random.uniform() * count)

    async function change(name: string): Promise<void> {
      changing.add(name)
      const version = pick(24)
      const kind = (['upload', 'upload', 'upload', 'folder', 'folder', 'folder', 'reload', 'remove'] as const)[pick(8)]!
      if (kind === 'remove' && current.get(name) !== undefined) {
        await service.removeAdapter('tiny', name)
        current.set(name, undefined)
        done.remove++
      } else if (kind === 'reload' && current.get(name) !== undefined && fromFolder.has(name)) {
        await service.loadAdapter('tiny', name)
        done.reload++
      } else if (kind === 'folder') {
        await service.loadAdapter('tiny', name, `v${version}`)
        current.set(name, version)
        fromFolder.add(name)
        done.folder++
      } else {
        await service.putAdapter('tiny', name, fixture.versions[version]!.files)
        current.set(name, version)
        fromFolder.delete(name)
        done.upload++
      }
      changing.delete(name)
    }

    for (const name of names) await change(name)
    let requests = 0
    const answered = { right: 0, wrong: 0, unknown: 0 }
    /** What the answer to a text must be; undefined for one that is not known. */
    const isRight = ({ version, results }: ClassifyResult, chosen: number) =>
      difference(results[0], fixture.versions.find(({ sha256 }) => sha256 === version)?.expected[chosen]) < 1e-5

    async function ask(): Promise<void> {
      const name = names[pick(8)]!
      const chosen = pick(texts.length)
      const certain = !changing.has(name)
      const asked = fixture.versions[current.get(name) ?? -1]?.sha256
      requests++
      const answer = await classify(service, name, [texts[chosen]!]).catch((error: GraftError) => error)
      const given = answer instanceof GraftError ? undefined : answer
      if (answer instanceof GraftError && answer.code !== 'serve-adapter') throw answer
      if ((certain && given?.version !== asked) || (given && !isRight(given, chosen))) answered.wrong++
      else if (given) answered.right++
      else answered.unknown++
    }

    let changes = 0
    /** Spreads the changes over the requests. */
    const isEarly = () => requests < 10 * changes && requests < 10_000
    async function changer(): Promise<void> {
      while (changes++ < 1000) {
        const idle = names.filter((each) => !changing.has(each))
        await change(idle[pick(idle.length)]!)
        while (isEarly()) await new Promise(setImmediate)
      }
    }
    async function asker(): Promise<void> {
      while (requests < 10_000) await ask()
    }
    await Promise.all([changer(), changer(), ...Array.from({ length: 24 }, asker)])
    expect(answered.wrong).toBe(0)
    expect(answered.right).toBeGreaterThan(7000)
    expect(answered.right + answered.unknown).toBeGreaterThanOrEqual(10_000)
    expect(Object.values(done).reduce((a, b) => a + b)).toBeGreaterThanOrEqual(1000)
    expect(Math.min(...Object.values(done))).toBeGreaterThan(30)
    await service.close()
  })
})
