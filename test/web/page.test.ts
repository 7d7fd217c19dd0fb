/** The page in a real browser: typed texts, tasks, tables, adapters of one's own, sub-paths, no network, the policy, axe. */
import { cp, mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'csv-parse/sync'
import type * as axeCore from 'axe-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBundle } from '../../src/runtime/index.ts'
import { launchChromium } from './chromium.ts'
import { type Sites, openPage, serve, visit, writeSites } from './fixtures.ts'

let sites: Sites
let browser: Browser
let visited: BrowserContext
let site: Awaited<ReturnType<typeof serve>>
beforeAll(async () => {
  sites = await writeSites()
  browser = await launchChromium()
  visited = await browser.newContext()
  site = await serve(sites.site)
})
afterAll(async () => {
  await site.close()
  await browser.close()
  await sites.remove()
})

/** Opens the page, which has been visited before, and checks afterwards that nothing went wrong in it. */
async function withPage(test: (page: Page) => Promise<void>): Promise<void> {
  const { page, errors, close } = await visit(visited)
  await openPage(page, site)
  await test(page)
  expect([...errors, ...site.forbidden()]).toEqual([])
  await close()
}

const verdicts = (page: Page) => page.locator('.result .verdict strong').allTextContents()

/** Waits until a text is classified so. */
async function expectVerdicts(page: Page, labels: string[]): Promise<void> {
  await expect.poll(() => verdicts(page)).toEqual(labels)
}

/** What Node says. */
async function labelsOf(text: string, ...adapters: string[]): Promise<string[]> {
  const node = await openBundle(sites.unmerged)
  const results = await node.classify(
    adapters.map(() => text),
    { adapter: adapters },
  )
  await node.close()
  return results.map(({ label }) => label)
}

describe('a text', () => {
  it('is classified while it is typed, by one task or several side by side', () =>
    withPage(async (page) => {
      const text = 'Free entry: win a prize'
      await page.getByLabel('Text to classify').pressSequentially(text, { delay: 5 })
      await expectVerdicts(page, await labelsOf(text, 'spam'))
      expect(await page.locator('.result li').count()).toBe(2)
      expect(await page.locator('#measured').textContent()).toMatch(/^\d tokens · [\d.]+ ms$/)
      await page.getByRole('radio', { name: 'topic' }).check({ force: true })
      await expectVerdicts(page, await labelsOf(text, 'topic'))
      await page.getByRole('switch', { name: 'Side by side' }).check()
      await expectVerdicts(page, await labelsOf(text, 'spam', 'topic', 'mood'))
      await page.getByRole('checkbox', { name: 'topic' }).uncheck({ force: true })
      await expectVerdicts(page, await labelsOf(text, 'spam', 'mood'))
      await page.getByLabel('Text to classify').fill('')
      await expectVerdicts(page, [])
    }))

  it('can be an example, and is said to be cut where it is too long', () =>
    withPage(async (page) => {
      await page.getByRole('button', { name: 'Terrible service, and the food was cold.' }).click()
      await expectVerdicts(page, await labelsOf('Terrible service, and the food was cold.', 'spam'))
      expect(await page.getByRole('status').first().textContent()).toMatch(/^spam: (ham|spam), [\d.]+ %$/)
      await page.getByLabel('Text to classify').fill('word '.repeat(50))
      await expect.poll(() => page.locator('#measured').textContent()).toContain('the first 32 tokens of the text')
    }))

  it('is classified with the keyboard alone', () =>
    withPage(async (page) => {
      await page.getByLabel('Text to classify').focus() // the example in it is selected
      await page.keyboard.type('Free entry')
      await page.keyboard.press('Shift+Tab') // to the switch
      await page.keyboard.press('Shift+Tab')
      await page.keyboard.press('ArrowRight')
      expect(await page.getByRole('radio', { name: 'topic' }).isChecked()).toBe(true)
      await expectVerdicts(page, await labelsOf('Free entry', 'topic'))
    }))
})

describe('a table', () => {
  const rows = Array.from({ length: 70 }, (_, row) => ({
    id: String(row),
    label: 'x',
    text: `Row ${row}, "quoted"\n${'word '.repeat(row % 20)}`,
  }))
  const toCsv = (names: ('id' | 'label' | 'text')[]) =>
    [names.join(','), ...rows.map((row) => names.map((name) => `"${row[name].replaceAll('"', '""')}"`).join(','))].join(
      '\r\n',
    )

  it('comes back with labels and scores that Node gives', () =>
    withPage(async (page) => {
      const file = { name: 'texts.csv', mimeType: 'text/csv', buffer: Buffer.from(toCsv(['id', 'label', 'text'])) }
      await page.getByLabel('Choose a CSV file').setInputFiles(file)
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'Download the result' }).click(),
      ])
      expect(download.suggestedFilename()).toBe('texts-classified.csv')
      const content = await readFile(await download.path(), 'utf8')
      const found: Record<string, string>[] = parse(content, { columns: true })
      const node = await openBundle(sites.unmerged)
      const expected = await node.classify(
        rows.map(({ text }) => text),
        { adapter: 'spam' },
      )
      await node.close()
      expect(found.map(({ label_2: label }) => label)).toEqual(expected.map(({ label }) => label))
      for (const [at, row] of found.entries()) expect(Number(row['score_2'])).toBeCloseTo(expected[at]?.score ?? 0, 3)
      expect(found.map(({ id, label, text }) => ({ id, label, text }))).toEqual(rows)
    }))

  it('asks for its column where no name tells, and says what is wrong with it', () =>
    withPage(async (page) => {
      const give = (name: string, content: string | Uint8Array) =>
        page.getByLabel('Choose a CSV file').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(content) })
      await give('odd.csv', 'a,b\n1,hello\n2,there')
      await page.getByLabel('Text column').selectOption('b')
      await page.getByRole('link', { name: 'Download the result' }).waitFor()
      const problem = page.locator('#table-problem')
      await give('short.csv', 'id,text\n1,hello\n2')
      await expect.poll(() => problem.textContent()).toContain('short.csv, line 3: the row has 1 fields, the header 2')
      await give('twice.csv', 'text,label,text\n1,hello,2')
      await expect.poll(() => problem.textContent()).toContain('the header has the column "text" twice')
      await give('empty.csv', 'text\n')
      await expect.poll(() => problem.textContent()).toContain('empty.csv holds no rows')
      await give('latin.csv', Uint8Array.of(0x61, 0x0a, 0xe9, 0x0a))
      await expect
        .poll(() => problem.textContent())
        .toContain('latin.csv, line 2: not UTF-8: it looks like windows-1252')
    }))
})

describe('an adapter of one’s own', () => {
  const text = 'Prices fell again'

  it('is added from its folder’s files, and classifies as it does in Node', () =>
    withPage(async (page) => {
      const files = ['adapter_config.json', 'adapter_model.safetensors', 'graft.json']
      await page.getByLabel('Text to classify').fill(text)
      await page.getByLabel('Choose its files').setInputFiles(files.map((name) => join(sites.adapters.topic, name)))
      await expect.poll(() => page.locator('#adapter-notes').textContent()).toContain('Added my adapter: World, Sports')
      expect(await page.getByRole('radio', { name: 'my adapter' }).isChecked()).toBe(true)
      await expectVerdicts(page, await labelsOf(text, 'topic'))
    }))

  it('is added from a dropped folder', () =>
    withPage(async (page) => {
      await page.getByLabel('Text to classify').fill(text)
      const folder = join(sites.dir, 'dropped')
      await cp(sites.adapters.mood, folder, { recursive: true })
      await drop(page, [folder])
      await expectVerdicts(page, await labelsOf(text, 'mood'))
      expect(await page.getByRole('radio', { name: 'dropped' }).isChecked()).toBe(true)
      expect(await page.locator('#drop').isVisible()).toBe(false)
    }))

  it('is added from its weights alone, with what is taken for granted', () =>
    withPage(async (page) => {
      await page.getByLabel('Text to classify').fill(text)
      // Its scaling is that of the bundle's first adapter, α 6 to rank 2: so the result is Node's.
      const buffer = await readFile(join(sites.adapters.spam, 'adapter_model.safetensors'))
      const file = { name: 'mine.safetensors', mimeType: 'application/octet-stream', buffer }
      await page.getByLabel('Choose its files').setInputFiles(file)
      await expect.poll(() => page.locator('#adapter-notes').textContent()).toContain('its scaling is taken to be 3')
      const [label] = await labelsOf(text, 'spam')
      await expectVerdicts(page, [label === 'ham' ? 'LABEL_0' : 'LABEL_1'])
    }))

  it('is refused with the reason where it does not fit', () =>
    withPage(async (page) => {
      const info = JSON.parse(await readFile(join(sites.adapters.topic, 'graft.json'), 'utf8'))
      const files = ['adapter_config.json', 'adapter_model.safetensors'].map(async (name) => ({
        name,
        mimeType: 'application/octet-stream',
        buffer: await readFile(join(sites.adapters.topic, name)),
      }))
      const other = { ...info, baseSha256: 'c'.repeat(64) }
      const graft = { name: 'graft.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(other)) }
      const input = page.getByLabel('Choose its files')
      const problem = page.locator('#adapter-problem')
      await input.setInputFiles([...(await Promise.all(files)), graft])
      await expect.poll(() => problem.textContent()).toContain('was trained on another base')
      await input.setInputFiles({ name: 'x.safetensors', mimeType: '', buffer: Buffer.from('hello') })
      await expect.poll(() => problem.textContent()).toContain('x.safetensors cannot be read as safetensors')
    }))
})

/** Drops files and folders on the page as the system does. */
async function drop(page: Page, paths: string[]): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const data = { items: [], files: paths, dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data })
  }
}

describe('the site', () => {
  it('downloads nothing on a second visit, and needs no network on a third, under a sub-path', async () => {
    const own = await serve(sites.site, { base: '/some/where/' })
    const { page, errors, close } = await visit(await browser.newContext())
    await openPage(page, own)
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready
      // Until the worker has written what it keeps.
      while ((await caches.keys()).length < 2) await new Promise((resolve) => setTimeout(resolve, 10))
    })
    const kept = () =>
      page.evaluate(async () => {
        const [name = ''] = (await caches.keys()).filter((each) => each.endsWith('/bundle/'))
        return (await (await caches.open(name)).keys()).length
      })
    await expect.poll(kept).toBe(15) // graft.json, config, golden, graph, three files of each adapter, wasm, ranks
    own.responses.length = 0
    await page.reload()
    await page.locator('#tools').waitFor()
    expect(own.responses.filter(({ status }) => status !== 304)).toEqual([])
    expect(own.responses.length).toBeGreaterThan(0)
    await own.close()
    await page.reload()
    await page.locator('#tools').waitFor()
    await page.getByLabel('Text to classify').fill('Win a prize')
    await expectVerdicts(page, await labelsOf('Win a prize', 'spam'))
    expect(errors.filter((error) => !error.includes('ERR_CONNECTION_REFUSED'))).toEqual([])
    await close()
  })

  it('asks for GPT-2’s vocabulary before it knows its bundle', async () => {
    const own = await serve(sites.site)
    const { page, close } = await visit(await browser.newContext())
    await page.route('**/graft.json', () => undefined) // No answer comes.
    await page.goto(own.url)
    await expect.poll(() => own.responses.some(({ path }) => path.includes('gpt2-ranks'))).toBe(true)
    expect(own.responses.some(({ path }) => path.startsWith('/bundle/'))).toBe(false)
    await Promise.all([close(), own.close()])
  })

  it('says how far it is, in bytes', async () => {
    const { page, close } = await visit(await browser.newContext())
    await page.addInitScript(() => {
      const texts: string[] = []
      Object.assign(globalThis, { texts })
      addEventListener('DOMContentLoaded', () => {
        const bytes = document.getElementById('load-bytes') as HTMLElement // in index.html
        new MutationObserver(() => texts.push(bytes.textContent)).observe(bytes, { childList: true })
      })
    })
    await openPage(page, site)
    const texts = await page.evaluate(() => (globalThis as unknown as { texts: string[] }).texts)
    expect(texts.at(-1)).toMatch(/^(\d+\.\d) of \1 MB$/)
    expect(new Set(texts).size).toBeGreaterThan(2)
    await close()
  })
})

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Folder of the screenshots, for people. */
const screenshots = fileURLToPath(new URL('../../runs/web/', import.meta.url))

it.each([
  ['desktop', 1280, 900],
  ['phone', 390, 844],
])('on a %s, light and dark: axe finds nothing wrong, and nothing is wider than the screen', (name, width, height) =>
  withPage(async (page) => {
    await page.setViewportSize({ width, height })
    await page.getByLabel('Text to classify').fill('Free entry: win a prize')
    await page.getByRole('switch').check()
    await page.locator('.result').nth(2).waitFor()
    await page
      .getByLabel('Choose a CSV file')
      .setInputFiles({ name: 'a.csv', mimeType: 'text/csv', buffer: Buffer.from('text\nhello\n') })
    await page.getByRole('link', { name: 'Download the result' }).waitFor()
    await page.getByText('Copy as code').click()
    await page.getByRole('checkbox', { name: 'topic' }).uncheck({ force: true }) // so that the table's result is out of date
    await page.getByText('The tasks have changed').waitFor()
    await page.evaluate(axe)
    await mkdir(screenshots, { recursive: true })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' }) // colours change at once
      const violations = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: typeof axeCore }
        return (await axe.run()).violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])
      })
      expect(violations).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
      await page.screenshot({ fullPage: true, path: join(screenshots, `${name}-${colorScheme}.png`) })
    }
  }),
)
