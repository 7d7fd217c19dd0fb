/** The client of examples/serve gets answers from a server, and says what a refusal says. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createApp, type RunningServer, startServer } from '../../src/serve/index.ts'
import { type Served, serveBundles } from '../serve/fixtures.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const apiKey = 'api-key-0123456789'
let served: Served
let server: RunningServer

beforeAll(async () => {
  served = await serveBundles()
  const { service } = served
  const only = { ...service, models: () => service.models().filter(({ name }) => name === 'unmerged') }
  server = await startServer({ app: createApp({ service: only, apiKeys: [apiKey] }), port: 0, host: '127.0.0.1' })
})
afterAll(async () => {
  await server.close()
  await served.close()
})

const run = (adapter: string, key: string) =>
  promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'examples/serve/index.ts', server.url, adapter, 'ok', 'no'],
    {
      cwd: root,
      env: { ...process.env, GRAFT_API_KEY: key },
    },
  )

it('examples/serve', async () => {
  const { stdout } = await run('spam', apiKey)
  expect(stdout).toMatch(/^(ham|spam) \([01]\.\d\d\): ok\n(ham|spam) \([01]\.\d\d\): no\n$/)
  await expect(run('nix', apiKey)).rejects.toThrow('serve-adapter: there is no adapter "nix"')
  await expect(run('spam', 'wrong-key-0123456789')).rejects.toThrow('unauthorized')
})
