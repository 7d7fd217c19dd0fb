/** Returning visitors while a new version is uploaded: each visit shows the old page whole or the new one whole. */
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import sirv from 'sirv'
import { build } from 'vite'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { exportBundle } from '../../src/export/index.ts'
import { type Fixture, writeFixture } from '../export/fixtures.ts'
import { launchChromium } from './chromium.ts'

/** A site whose every file of code is of a version, with a model whose labels tell its version too. */
async function writeVersion(fixture: Fixture, version: 'old' | 'new'): Promise<string> {
  const dir = join(fixture.dir, `site-${version}`)
  const marker = `\nglobalThis.version = '${version}'\n`
  await build({
    configFile: fileURLToPath(new URL('../../vite.config.ts', import.meta.url)),
    logLevel: 'error',
    plugins: [
      {
        name: 'version',
        transform: (code: string, id: string) =>
          /src\/web\/(page\/main|worker\/worker|index)\.ts$/.test(id) ? code + marker : undefined,
      },
    ],
    build: { outDir: dir },
  })
  const adapter = { dir: fixture.adapters[version === 'old' ? 'spam' : 'mood'], name: version }
  await exportBundle({
    adapters: [adapter],
    base: fixture.base,
    mode: 'unmerged',
    dir: join(dir, 'bundle'),
    probes: ['A film that I loved'],
  })
  return dir
}

let fixture: Fixture
let browser: Browser
let versions: Record<'old' | 'new', string>
/** The folder on the host. */
let host: string
let site: Awaited<ReturnType<typeof serveHost>>
beforeAll(async () => {
  fixture = await writeFixture()
  versions = { old: await writeVersion(fixture, 'old'), new: await writeVersion(fixture, 'new') }
  host = join(fixture.dir, 'host')
  browser = await launchChromium()
})
afterAll(async () => {
  await site.close()
  await browser.close()
  await rm(fixture.dir, { recursive: true })
})
beforeEach(async () => {
  await site?.close()
  await rm(host, { recursive: true, force: true })
  await cp(versions.old, host, { recursive: true })
  site = await serveHost(host)
})

const html = '<!doctype html><html lang="en"><title>Log in</title>'

/** A static host. `answers` replaces what it would say to a path. */
async function serveHost(dir: string) {
  const state: { answers: (path: string, response: ServerResponse) => boolean } = { answers: () => false }
  const files = sirv(dir, { dev: true, etag: true })
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').replace(/\?.*/, '')
    if (!state.answers(path, response)) files(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on a port
  return {
    state,
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What a visit shows: the versions of the page's script, of its worker's and of the model; or that it is dead. */
async function visit(context: BrowserContext): Promise<{ page: unknown; worker: unknown; model: string }> {
  const page = await context.newPage()
  await page.goto(site.url)
  await page.locator('.result .verdict strong').waitFor({ timeout: 60_000 })
  const shown = await look(page)
  await page.close()
  return shown
}

async function look(page: Page) {
  const version = () => (globalThis as { version?: string }).version
  return {
    page: await page.evaluate(version),
    worker: await page.workers()[0]?.evaluate(version),
    model: (await page.locator('.task-choice').allTextContents()).join(),
  }
}

const oldWhole = { page: 'old', worker: 'old', model: 'old' }
const newPage = { page: 'new', worker: 'new', model: 'old' }
const newWhole = { page: 'new', worker: 'new', model: 'new' }

/** Somebody who was there before, and whose browser keeps the old version. */
async function visitor(): Promise<BrowserContext> {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(site.url)
  await page.locator('.result').waitFor()
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready
    while (!navigator.serviceWorker.controller) await new Promise((resolve) => setTimeout(resolve, 10))
    const isKept = async () => (await caches.match('bundle/graft.json')) !== undefined
    while (!(await isKept())) await new Promise((resolve) => setTimeout(resolve, 10))
  })
  await page.close()
  return context
}

/** Copies what is new of some files. */
async function upload(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(join(host, path, '..'), { recursive: true })
    await cp(join(versions.new, path), join(host, path), { recursive: true })
  }
}

const newAssets = async () => {
  const before = new Set(await readdir(join(versions.old, 'assets')))
  return (await readdir(join(versions.new, 'assets')))
    .filter((name) => !before.has(name))
    .map((name) => `assets/${name}`)
}

it('index.html first, then the assets, then the model: old, old, new page, all new', async () => {
  const context = await visitor()
  await upload('service-worker.js', 'index.html', 'graft.js', 'worker.js')
  expect(await visit(context)).toEqual(oldWhole)
  const assets = await newAssets()
  expect(assets.length).toBeGreaterThan(2)
  // A host that answers a missing file with its start page.
  for (const path of assets) await writeFile(join(host, path), html)
  expect(await visit(context)).toEqual(oldWhole)
  await upload(...assets.slice(0, -1))
  expect(await visit(context)).toEqual(oldWhole)
  await upload(...assets)
  expect(await visit(context)).toEqual(newPage)
  await upload('bundle/graft.json')
  expect(await visit(context)).toEqual(newPage)
  await upload('bundle/adapters', 'bundle/golden.json', 'bundle/onnx', 'bundle/config.json')
  expect(await visit(context)).toEqual(newWhole)
  await context.close()
})

it('the model before its graft.json, and old assets deleted before index.html: old, then new', async () => {
  const context = await visitor()
  await upload('bundle/adapters', 'bundle/onnx', 'bundle/golden.json')
  await rm(join(host, 'assets'), { recursive: true })
  expect(await visit(context)).toEqual(oldWhole)
  await rm(join(host, 'index.html'))
  expect(await visit(context)).toEqual(oldWhole)
  await upload('assets', 'graft.js', 'worker.js', 'index.html', 'bundle/graft.json')
  expect(await visit(context)).toEqual(newWhole)
  await context.close()
})

it('a first visitor to half of a model waits for the rest of it', async () => {
  await upload('bundle/graft.json')
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.clock.install()
  await page.goto(site.url)
  await page.getByRole('alert', { name: 'The model cannot be loaded' }).waitFor()
  await upload('bundle')
  await page.clock.fastForward(20_000)
  await page.locator('.result').waitFor()
  expect((await look(page)).model).toBe('new')
  await context.close()
})

it('a network that fails, or answers with pages of its own: the kept page', async () => {
  const context = await visitor()
  const networks: Record<string, (response: ServerResponse) => unknown> = {
    '5xx': (response) => response.writeHead(503).end('no'),
    'a login page': (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end(html),
    'a redirect elsewhere': (response) => response.writeHead(302, { Location: 'http://localhost:9/login' }).end(),
    nothing: (response) => response.destroy(),
  }
  for (const [name, answer] of Object.entries(networks)) {
    site.state.answers = (_, response) => {
      answer(response)
      return true
    }
    expect({ name, ...(await visit(context)) }).toEqual({ name, ...oldWhole })
  }
  await context.close()
})

it('an open page says that a new version is there, and a reload shows it', async () => {
  const context = await visitor()
  const page = await context.newPage()
  await page.goto(site.url)
  await page.locator('.result').waitFor()
  const reload = page.getByRole('button', { name: 'Reload' })
  expect(await reload.isVisible()).toBe(false)
  await upload('index.html', ...(await newAssets()), 'graft.js', 'worker.js', 'bundle')
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  await reload.click()
  await expect.poll(() => page.evaluate(() => (globalThis as { version?: string }).version)).toBe('new')
  await page.locator('.result').waitFor()
  expect(await look(page)).toEqual(newWhole)
  await context.close()
})

it('another site in this one’s place is shown', async () => {
  const context = await visitor()
  for (const name of await readdir(host)) await rm(join(host, name), { recursive: true })
  await writeFile(join(host, 'index.html'), html.replace('Log in', 'Another site'))
  const page = await context.newPage()
  await page.goto(site.url)
  expect(await page.title()).toBe('Another site')
  await context.close()
})

it.each(['graft.js', 'worker.js'])('%s keeps its name, and loads a file of its own version', async (name) => {
  for (const dir of Object.values(versions)) {
    const file = /'\.\/(assets\/.*)'/.exec(await readFile(join(dir, name), 'utf8'))?.[1]
    expect(await readFile(join(dir, 'index.html'), 'utf8')).toContain(`"${file}":`)
  }
})
