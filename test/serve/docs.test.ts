/** `/docs` in a browser: its first call works under its own policy, and asks nobody else. */
import { relative } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createApp, type RunningServer, startServer } from '../../src/serve/index.ts'
import { writeTaskAdapters } from '../export/fixtures.ts'
import { launchChromium } from '../web/chromium.ts'
import { type Served, serveBundles } from './fixtures.ts'

const apiKey = 'api-key-0123456789'

let served: Served
let browser: Browser
let servers: RunningServer[] = []

beforeAll(async () => {
  served = await serveBundles()
  browser = await launchChromium()
  const apps = [[], [apiKey]].map((apiKeys) => createApp({ service: served.service, apiKeys }))
  servers = await Promise.all(apps.map((app) => startServer({ app, port: 0, host: '127.0.0.1' })))
})
afterAll(async () => {
  await browser.close()
  await Promise.all(servers.map((server) => server.close()))
  await served.close()
})

async function open({ url }: RunningServer) {
  const page = await browser.newPage()
  const [origins, complaints] = [new Set<string>(), [] as string[]]
  page.on('request', (request) => origins.add(new URL(request.url()).origin))
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(url)
  return { page, origins, complaints }
}

const text = `It's "free" <b> & $HOME`

it('classifies what is typed, and shows the command that does the same', async () => {
  const [server] = servers as [RunningServer]
  const { page, origins, complaints } = await open(server)
  expect(page.url()).toBe(`${server.url}/docs`)
  await page.fill('#text', text)
  await page.selectOption('#target', { label: 'unmerged: mood' })
  await page.click('button.main')
  await expect.poll(() => page.locator('.score').count()).toBe(3)
  const labels = await page.locator('.score span:first-child').allTextContents()
  expect(labels.toSorted()).toEqual(['0', '1', '2'])
  const command = `curl ${server.url}/v1/classify -H 'Content-Type: application/json' -d `
  const body = JSON.stringify({ inputs: text, model: 'unmerged', adapter: 'mood' })
  expect(await page.textContent('#command')).toBe(`${command}'${body.replace("'", `'\\''`)}'`)
  expect([...origins]).toEqual([server.url])
  expect(complaints).toEqual([])
  await page.close()
})

it('shows the labels that a text has, and a number', async () => {
  for (const [name, dir] of Object.entries(await writeTaskAdapters(served)))
    await served.service.loadAdapter('unmerged', name, relative(served.dir, dir))
  const { page, complaints } = await open(servers[0]!)
  const classify = async (adapter: string) => {
    await page.selectOption('#target', { label: `unmerged: ${adapter}` })
    await page.click('button.main')
    await page.locator('.answer').waitFor()
    return page.textContent('.answer')
  }
  expect(await classify('several')).toBe('anger, joy')
  const shown = await page.locator('.has span:first-child').allTextContents()
  expect([shown.toSorted(), await page.locator('.score').count()]).toEqual([['anger', 'joy'], 3])
  await page.reload()
  expect(await classify('number')).toMatch(/^stars: -?\d+(\.\d+)?$/)
  expect(await page.locator('.score').count()).toBe(0)
  expect(complaints).toEqual([])
  await page.close()
})

it('asks for a key where one is needed, and says what went wrong', async () => {
  const [, server] = servers as [RunningServer, RunningServer]
  const { page } = await open(server)
  await page.click('button.main')
  await expect.poll(() => page.textContent('#result')).toContain('401: the key is missing or wrong')
  await page.fill('#key', apiKey)
  await page.fill('#model', 'merged')
  await page.click('button.main')
  await expect.poll(() => page.locator('.score').count()).toBe(4)
  expect(await page.textContent('#command')).not.toContain(apiKey)
  await page.close()
})
