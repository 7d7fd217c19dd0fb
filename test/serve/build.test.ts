import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

describe('workers start', () => {
  it('from the build, where there are no sources', async () => {
    const dir = join(fixture.dir, 'package')
    await run('npx', ['tsc', '-p', 'tsconfig.build.json', '--outDir', join(dir, 'dist')], { cwd: root })
    await writeFile(join(dir, 'package.json'), '{ "type": "module" }')
    await symlink(join(root, 'node_modules'), join(dir, 'node_modules'))
    await writeFile(join(dir, 'run.js'), script('./dist/serve/inference.js'))
    const { stdout } = await run(process.execPath, ['run.js'], { cwd: dir })
    expect(stdout.trim()).toBe(fixture.versions[0]!.expected.map(({ label }) => label).join())
  })

  it('from the sources, wherever the program is started', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'graft-elsewhere-'))
    const main = script(join(root, 'src/serve/inference.ts'))
    const tsx = import.meta.resolve('tsx')
    const { stdout } = await run(process.execPath, ['--import', tsx, '--input-type=module', '-e', main], { cwd: dir })
    expect(stdout.trim()).toBe(fixture.versions[0]!.expected.map(({ label }) => label).join())
    await rm(dir, { recursive: true })
  })
})
