/** Workers start wherever the program does; from the build, `test/packed` starts them. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ServeFixture, texts, writeServeFixture } from './inference-fixtures.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')

let fixture: ServeFixture

beforeAll(async () => {
  fixture = await writeServeFixture(4)
})

afterAll(() => rm(fixture.dir, { recursive: true }))

/** Classifies, and prints the labels. */
const script = (inference: string) => `
  import { createInference } from ${JSON.stringify(inference)}
  const bundles = [{ name: 'tiny', dir: ${JSON.stringify(fixture.unmerged)} }]
  const service = await createInference({ bundles, workers: 1, maxQueue: 9, maxBatchTokens: 64, maxAdapters: 2 })
  const request = { model: 'tiny', adapter: 'spam', texts: ${JSON.stringify(texts)}, truncate: true }
  const { results } = await service.classify(request)
  console.log(results.map(({ label }) => label).join())
  await service.close()
`

it('workers start from the sources, wherever the program is started', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'graft-elsewhere-'))
  const main = script(join(root, 'src/serve/inference.ts'))
  const tsx = import.meta.resolve('tsx')
  const { stdout } = await run(process.execPath, ['--import', tsx, '--input-type=module', '-e', main], { cwd: dir })
  expect(stdout.trim()).toBe(fixture.versions[0]!.expected.map(({ label }) => label).join())
  await rm(dir, { recursive: true })
})
