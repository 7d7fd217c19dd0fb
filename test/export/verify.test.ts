/** Verification finds every change to a bundle. */
import { appendFile, cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Manifest } from '../../src/core/bundle.ts'
import { exportBundle, verifyBundle } from '../../src/export/index.ts'
import { sha256File } from '../../src/files/hash.ts'
import { type Fixture, writeFixture } from './fixtures.ts'

let fixture: Fixture
let bundle: string
let manifest: Manifest

beforeAll(async () => {
  fixture = await writeFixture()
  bundle = join(fixture.dir, 'bundle')
  const adapters = [fixture.adapters.spam, fixture.adapters.topic].map((dir) => ({ dir }))
  manifest = await exportBundle({ adapters, mode: 'unmerged', dir: bundle, probes: ['ok', 'not so bad'] })
})
afterAll(() => rm(fixture.dir, { recursive: true }))

/** Verifies a copy that `change` has changed; the names of the checks that failed. */
async function failuresAfter(change: (copy: string) => Promise<void>): Promise<string[]> {
  const copy = join(fixture.dir, 'copy')
  await cp(bundle, copy, { recursive: true })
  try {
    await change(copy)
    const { ok, checks } = await verifyBundle(copy)
    const failed = checks.filter((check) => !check.ok).map(({ name }) => name)
    expect(ok).toBe(failed.length === 0)
    return failed
  } finally {
    await rm(copy, { recursive: true })
  }
}

/** Changes a JSON file and enters its new hash, as somebody who means to deceive would. */
async function forge(copy: string, path: string, change: (json: never) => void): Promise<void> {
  await edit(join(copy, path), change)
  const hash = await sha256File(join(copy, path))
  await edit<Manifest>(join(copy, 'graft.json'), ({ files }) => (files[path] = hash))
}

async function edit<T = never>(path: string, change: (json: T) => void): Promise<void> {
  const json = JSON.parse(await readFile(path, 'utf8')) as T
  change(json)
  await writeFile(path, JSON.stringify(json))
}

describe('verifyBundle', () => {
  it('passes an untouched bundle, also after it was moved', async () => {
    const { ok, checks } = await verifyBundle(bundle)
    expect(ok).toBe(true)
    expect(checks.map(({ name }) => name)).toEqual([
      'graft.json',
      ...Object.keys(manifest.files),
      'parts',
      'golden logits',
    ])
    expect(await failuresAfter(async () => {})).toEqual([])
  })

  it('finds each changed file', async () => {
    for (const path of Object.keys(manifest.files)) {
      expect(await failuresAfter((copy) => appendFile(join(copy, path), '\n'))).toContain(path)
    }
  })

  it('finds each missing file', async () => {
    for (const path of Object.keys(manifest.files)) {
      expect(await failuresAfter((copy) => rm(join(copy, path)))).toContain(path)
    }
  })

  it('finds a description that is missing, no JSON, or of another format', async () => {
    const description = (copy: string) => join(copy, 'graft.json')
    expect(await failuresAfter((copy) => rm(description(copy)))).toEqual(['graft.json'])
    expect(await failuresAfter((copy) => writeFile(description(copy), '{'))).toEqual(['graft.json'])
    const change = (json: { formatVersion: number }) => (json.formatVersion = 2)
    expect(await failuresAfter((copy) => edit(description(copy), change))).toEqual(['graft.json'])
  })

  it('finds a graph that gives other logits, though its hash fits', async () => {
    const change = (golden: { logits: number[] }[]) => (golden[3]!.logits[1]! += 0.01)
    expect(await failuresAfter((copy) => forge(copy, 'golden.json', change))).toEqual(['golden logits'])
  })

  it('finds exchanged labels, though hashes fit', async () => {
    const change = (info: { labels: string[] }) => info.labels.reverse()
    expect(await failuresAfter((copy) => forge(copy, 'adapters/spam/graft.json', change))).toEqual(['parts'])
    const dir = join(fixture.dir, 'merged')
    await exportBundle({ adapters: [{ dir: fixture.adapters.spam }], mode: 'merged', dir, probes: ['ok'] })
    await edit<Manifest & { kind: 'merged' }>(join(dir, 'graft.json'), ({ labels }) => labels.reverse())
    const { checks } = await verifyBundle(dir)
    expect(checks.find(({ ok }) => !ok)).toMatchObject({
      name: 'parts',
      detail: 'config.json names the labels ham, spam; graft.json spam, ham',
    })
  })

  it('reports a damaged graph that ONNX Runtime cannot load', async () => {
    const failures = await failuresAfter((copy) => writeFile(join(copy, 'onnx', 'model.onnx'), 'not a graph'))
    expect(failures).toEqual(['onnx/model.onnx', 'golden logits'])
  })
})
