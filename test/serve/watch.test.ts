/** Adapter folders that appear, change and vanish while a service runs. */
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Watcher, watchAdapters } from '../../src/serve/watch.ts'
import { type Served, serveBundles } from './fixtures.ts'

let served: Served
let watcher: Watcher
let dir: string
const lines: string[] = []
const log = pino({}, { write: (line: string) => lines.push(line) })

beforeAll(async () => {
  served = await serveBundles()
  dir = join(served.dir, 'watched')
  await mkdir(dir)
  const service = {
    loadAdapter: (model: string, name: string) => served.service.loadAdapter(model, name, `watched/${name}`),
    removeAdapter: served.service.removeAdapter,
  }
  watcher = await watchAdapters({ service, model: 'unmerged', dir, log, intervalMs: 20 })
})
afterAll(async () => {
  await watcher.close()
  await served.close()
})

const find = (name: string) =>
  served.service
    .models()
    .flatMap(({ adapters }) => adapters)
    .find((adapter) => adapter.name === name)
const put = (source: string, name: string) => cp(source, join(dir, name), { recursive: true })

it('loads a folder that appears, replaces it as it changes, and removes it as it vanishes', async () => {
  await put(served.adapters.mood, 'fresh')
  await expect.poll(() => find('fresh')?.labels).toEqual(['2', '1', '0'])
  await put(served.adapters.spam, 'fresh')
  await expect.poll(() => find('fresh')?.labels).toEqual(['ham', 'spam'])
  await rm(join(dir, 'fresh'), { recursive: true })
  await expect.poll(() => find('fresh')).toBe(undefined)
})

it('waits for the last file of a folder', async () => {
  await put(served.adapters.mood, '.half')
  await rename(join(dir, '.half', 'graft.json'), join(dir, 'graft.json'))
  await rename(join(dir, '.half'), join(dir, 'half'))
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(find('half')).toBe(undefined)
  await rename(join(dir, 'graft.json'), join(dir, 'half', 'graft.json'))
  await expect.poll(() => find('half')?.name).toBe('half')
})

it('refuses a damaged folder once, and leaves what is there under its name', async () => {
  const before = find('spam')
  await put(served.adapters.spam, 'spam.tmp')
  await writeFile(join(dir, 'spam.tmp', 'adapter_model.safetensors'), 'damaged')
  await rename(join(dir, 'spam.tmp'), join(dir, 'spam'))
  const refusals = () => lines.filter((line) => line.includes('adapter refused') && line.includes('"spam"')).length
  await expect.poll(refusals).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(refusals()).toBe(1)
  await rm(join(dir, 'spam'), { recursive: true })
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(find('spam')).toEqual(before)
})

it('does not begin with a directory that is not there', async () => {
  const nowhere = watchAdapters({ service: served.service, model: 'unmerged', dir: join(dir, 'nix'), log })
  await expect(nowhere).rejects.toMatchObject({ code: 'file-not-found' })
})
