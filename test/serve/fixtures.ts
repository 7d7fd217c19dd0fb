/** A merged and an unmerged bundle with small random weights, served by real workers; and requests to the app. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { exportBundle } from '../../src/export/index.ts'
import type { LabelScore } from '../../src/runtime/index.ts'
import { type createApp, createInference, type InferenceService } from '../../src/serve/index.ts'
import type { Problem } from '../../src/serve/problem.ts'
import { type Fixture, writeFixture } from '../export/fixtures.ts'

export interface Served extends Fixture {
  merged: string
  unmerged: string
  /** Both bundles: `merged` (World, Sports, Business, Sci/Tech) and `unmerged` (spam, topic, mood). */
  service: InferenceService
  close(): Promise<void>
}

/** Two bundles on disk, without a service. */
export async function writeBundles() {
  const fixture = await writeFixture()
  const { dir, base, adapters } = fixture
  const [merged, unmerged] = [join(dir, 'merged'), join(dir, 'unmerged')]
  const sources = Object.values(adapters).map((each) => ({ dir: each }))
  await exportBundle({ base, adapters: sources, mode: 'unmerged', dir: unmerged, probes: ['ok'] })
  await exportBundle({ base, adapters: [{ dir: adapters.topic }], mode: 'merged', dir: merged, probes: ['ok'] })
  return { ...fixture, merged, unmerged }
}

/** Two bundles behind one worker. */
export async function serveBundles(options: Partial<Parameters<typeof createInference>[0]> = {}): Promise<Served> {
  const files = await writeBundles()
  const bundles = [
    { name: 'merged', dir: files.merged },
    { name: 'unmerged', dir: files.unmerged },
  ]
  const limits = { maxQueue: 64, maxBatchTokens: 512, maxAdapters: 4, workers: 1, adapterDir: files.dir }
  const service = await createInference({ bundles, ...limits, ...options })
  const close = async () => {
    await service.close()
    await rm(files.dir, { recursive: true })
  }
  return { ...files, service, close }
}

type Result = LabelScore & { tokens: number; truncated: boolean; scores: [LabelScore, LabelScore] }

/** What the API's own routes answer with. */
interface Answer {
  model: string
  version: string
  tokens: number
  results: [Result, ...Result[]]
  models: { name: string; kind: string }[]
  adapters: { model: string; name: string }[]
}

/** The JSON of an answer. */
export const jsonOf = async <T = Answer>(response: Response | Promise<Response>): Promise<T> =>
  (await (await response).json()) as T

type App = Pick<ReturnType<typeof createApp>, 'request'>

/** Sends JSON. */
export const post = (app: App, path: string, body: unknown, headers: Record<string, string> = {}) =>
  app.request(path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', ...headers },
  })

/** The multipart form of an adapter folder. */
export async function uploadOf(dir: string): Promise<FormData> {
  const form = new FormData()
  for (const name of ['adapter_config.json', 'adapter_model.safetensors', 'graft.json']) {
    form.set(name, new File([new Uint8Array(await readFile(join(dir, name)))], name))
  }
  return form
}

/** Status, and the problem's code and first field. */
export async function problemOf(response: Response | Promise<Response>) {
  const { status, headers } = await response
  expect(headers.get('Content-Type')).toBe('application/problem+json')
  const problem = await jsonOf<Problem>(response)
  expect(problem).toMatchObject({ status, type: 'about:blank', requestId: headers.get('X-Request-Id') })
  expect(problem.error).toBe(problem.detail)
  return { status, code: problem.code, path: problem.errors?.[0]?.path as string | undefined }
}
