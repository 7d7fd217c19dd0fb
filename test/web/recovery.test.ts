/** A worker that hangs or dies, and storage that fails: the page goes on, and no verdict stands for a text that it is not of. */
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page, Worker } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openBundle } from '../../src/runtime/index.ts'
import { launchChromium } from './chromium.ts'
import { type Sites, openPage, serve, visit, writeSites } from './fixtures.ts'

let sites: Sites
let browser: Browser
let site: Awaited<ReturnType<typeof serve>>
beforeAll(async () => {
  sites = await writeSites()
  browser = await launchChromium()
  site = await serve(sites.site)
})
afterAll(async () => {
  await site.close()
  await browser.close()
  await sites.remove()
})

async function labelOf(text: string, adapter = 'spam'): Promise<string | undefined> {
  const node = await openBundle(sites.unmerged)
  const result = await node.classify(text, { adapter })
  await node.close()
  return result.label
}

/** Two texts that are told apart. */
async function differentTexts(): Promise<[string, string]> {
  const texts = [
    'Win a prize',
    'The match ended',
    'Prices fell again',
    'See you at six',
    'ok',
    'Terrible service',
    'I loved it',
  ]
  const labels = await Promise.all(texts.map((text) => labelOf(text)))
  const other = texts.find((_, at) => labels[at] !== labels[0])
  return [texts[0] ?? '', other ?? '']
}

const verdict = (page: Page) => page.locator('.result .verdict strong').textContent()

it.each<[string, (worker: Worker) => void]>([
  ['hangs', (worker) => void worker.evaluate('for (;;);').catch(() => undefined)],
  ['dies', (worker) => void worker.evaluate('self.close()').catch(() => undefined)],
])('a worker that %s: what is shown is pending at once, and then it is the new text’s', async (_, end) => {
  const [first, second] = await differentTexts()
  const { page, close } = await visit(await browser.newContext())
  await page.clock.install()
  await openPage(page, site)
  const text = page.getByLabel('Text to classify')
  await text.fill(first)
  await expect.poll(() => verdict(page)).toBe(await labelOf(first))
  const [worker] = page.workers()
  if (!worker) throw new Error('there is no worker')
  end(worker)
  await text.fill(second)
  expect(await page.locator('#results').getAttribute('aria-busy')).toBe('true')
  await page.clock.fastForward(1000) // the pause after typing
  await expect.poll(() => page.locator('#measured').textContent()).toBe('Classifying…')
  expect(await verdict(page)).toBe('…')
  await page.clock.fastForward(60_000)
  await expect.poll(() => page.locator('#results').getAttribute('aria-busy'), { timeout: 60_000 }).toBe('false')
  expect(await verdict(page)).toBe(await labelOf(second))
  await close()
})

it('a table goes on with another worker, adapters of the visitor’s included', async () => {
  const { page, close } = await visit(await browser.newContext())
  await page.clock.install()
  await openPage(page, site)
  const names = ['adapter_config.json', 'adapter_model.safetensors', 'graft.json']
  await page.getByLabel('Choose its files').setInputFiles(names.map((name) => join(sites.adapters.topic, name)))
  await page.getByRole('radio', { name: 'my adapter' }).waitFor()
  await expect.poll(() => verdict(page)).toMatch(/World|Sports|Business|Sci/)
  void page
    .workers()[0]
    ?.evaluate('for (;;);')
    .catch(() => undefined)
  const buffer = Buffer.from('text\nPrices fell again\n')
  await page.getByLabel('Choose a CSV file').setInputFiles({ name: 'a.csv', mimeType: 'text/csv', buffer })
  await page.clock.fastForward(100_000)
  await page.getByRole('link', { name: 'Download the result' }).waitFor({ timeout: 60_000 })
  expect(await page.locator('#table-counts dt').textContent()).toBe(await labelOf('Prices fell again', 'topic'))
  await close()
})

it.each([
  ['cannot be opened', { open: 'SecurityError' }],
  [
    'can be neither read nor written nor listed',
    { match: 'UnknownError', put: 'QuotaExceededError', keys: 'UnknownError' },
  ],
])('a cache that %s is an empty one', async (_, broken) => {
  const code = Object.entries(broken).map(([name, error]) => {
    const fail = `${name} = () => Promise.reject(new DOMException('broken', '${error}'))`
    return `CacheStorage.prototype.${fail}; Cache.prototype.${fail};`
  })
  const assets = join(sites.site, 'assets')
  const name = (await readdir(assets)).find((each) => /^worker-.*\.js$/.test(each)) ?? ''
  const file = join(assets, name)
  const content = await readFile(file)
  await writeFile(file, `${code.join('\n')}\n${content}`)
  try {
    const context = await browser.newContext()
    for (let times = 0; times < 2; times++) {
      const { page, errors, close } = await visit(context)
      await openPage(page, site)
      await page.locator('.result').waitFor()
      expect(errors).toEqual([])
      await close()
    }
    await context.close()
  } finally {
    await writeFile(file, content)
  }
})

it('a page that was opened as a file says how to open it', async () => {
  const { page, close } = await visit(await browser.newContext())
  await page.goto(`file://${join(sites.site, 'index.html')}`)
  await page.getByText('This page has not started').waitFor()
  expect(await page.locator('#not-started').innerText()).toContain('python3 -m http.server')
  // The style sheet is there too: what screen readers alone need is not shown.
  expect(await page.locator('h1').evaluate((element) => getComputedStyle(element).letterSpacing)).not.toBe('normal')
  await close()
})
