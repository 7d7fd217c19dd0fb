/**
 * The page in headless Chromium, against onnxruntime-node with the same bundle in the same run: sizes, time to the first
 * classification, warm speed on one thread, swapping adapters, and the main thread while a table is classified.
 *
 * Usage: npm run bench:web [-- BUNDLE…]; without BUNDLE, the unmerged one that `npm run quickstart` makes.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'
import type { Browser, Page } from 'playwright-core'
import { type RunningSite, serveSite } from '../../src/cli/web/server.ts'
import { type SitePart, writeSite } from '../../src/cli/web/site.ts'
import { type Classifier, openBundle } from '../../src/runtime/index.ts'
import type * as library from '../../src/web/index.ts'
import { launchChromium } from '../../test/web/chromium.ts'
import { describe, median, time } from '../measure.ts'

declare global {
  var graft: typeof library, classifier: library.WebClassifier, firstResult: number, longTasks: number[]
}

const VISITS = 5
const MESSAGES = 200
const ROWS = 1000

/** Messages of people: the SMS Spam Collection beside the checkout, or else the example data. */
async function readMessages(): Promise<string[]> {
  const file = '../shared/data/sms-spam/SMSSpamCollection'
  if (existsSync(file))
    return (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[1] ?? '')
  const rows: { text: string }[] = parse(await readFile('examples/data/spam.csv'), { columns: true })
  return rows.map(({ text }) => text)
}

const compressors = {
  gzip: promisify(gzip),
  brotli: (content: Buffer) => promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
}

async function printSizes(dir: string, parts: readonly SitePart[]): Promise<void> {
  const sum = async (files: string[], compress: (content: Buffer) => Promise<Buffer>) => {
    let bytes = 0
    for (const file of files) bytes += (await compress(await readFile(join(dir, file)))).length
    return (bytes / 1e3).toFixed(0)
  }
  console.log('Sizes in kB: raw, gzip, brotli (quality 9)')
  for (const { name, files, bytes } of parts) {
    const [gzipped, brotli] = [await sum(files, compressors.gzip), await sum(files, compressors.brotli)]
    console.log(
      `  ${name.padEnd(50)} ${(bytes / 1e3).toFixed(0).padStart(7)} ${gzipped.padStart(7)} ${brotli.padStart(7)}`,
    )
  }
}

/** Milliseconds from navigation to the first result, of a text that is there as soon as the page is. */
async function firstClassification(page: Page, navigate: () => Promise<unknown>): Promise<number> {
  await navigate()
  await page.locator('.result').waitFor()
  return page.evaluate(() => firstResult)
}

/** In the page before its own code: types a text, and notes when its result is there. */
function typeAndWait(): void {
  addEventListener('DOMContentLoaded', () => {
    const [text, results] = [document.querySelector('textarea'), document.querySelector('#results')]
    if (!text || !results) return
    text.value = 'URGENT! Your number was drawn: call now to claim your prize'
    new MutationObserver(() => (globalThis.firstResult ??= performance.now())).observe(results, { childList: true })
  })
}

async function visits(browser: Browser, { url }: RunningSite): Promise<void> {
  const [first, second]: [number[], number[]] = [[], []]
  for (let visit = 0; visit < VISITS; visit++) {
    const context = await browser.newContext()
    await context.addInitScript(typeAndWait)
    const page = await context.newPage()
    first.push(await firstClassification(page, () => page.goto(url)))
    await page.evaluate(async () => void (await navigator.serviceWorker.ready))
    await page.waitForTimeout(2000) // until the cache is written
    second.push(await firstClassification(page, () => page.reload()))
    await context.close()
  }
  console.log(`First classification after navigation   ${describe(first)} (bar: ≤ 3000 ms)`)
  console.log(`  on the second visit                   ${describe(second)} (bar: ≤ 1000 ms)`)
}

async function openLibrary(page: Page, { url }: RunningSite): Promise<void> {
  await page.goto(new URL('graft.js', url).href)
  await page.evaluate(`import('./graft.js').then((module) => { globalThis.graft = module })`)
  await page.evaluate(async () => {
    globalThis.classifier = await graft.createClassifier('./', { threads: 1 })
  })
}

/** Milliseconds of each message, one after the other, in the page: to the worker and back. */
const timeInPage = (page: Page, texts: string[], adapters: readonly (string | undefined)[]): Promise<number[]> =>
  page.evaluate(
    async ([texts, adapters]) => {
      const times: number[] = []
      for (const [at, text] of texts.entries()) {
        const started = performance.now()
        await classifier.classify([text], { adapter: adapters[at % adapters.length] })
        times.push(performance.now() - started)
      }
      return times
    },
    [texts, adapters] as const,
  )

async function timeInNode(
  node: Classifier,
  texts: string[],
  adapters: readonly (string | undefined)[],
): Promise<number[]> {
  const times: number[] = []
  for (const [at, text] of texts.entries()) {
    const adapter = adapters[at % adapters.length]
    times.push(...(await time(() => node.classify([text], { adapter }), 1)))
  }
  return times
}

async function warm(page: Page, node: Classifier, messages: readonly string[]): Promise<void> {
  const texts = messages.slice(0, MESSAGES)
  const [one, other] = node.adapters
  const rounds = { page: [] as number[], node: [] as number[], same: [] as number[], swapped: [] as number[] }
  // Alternating, so that all see the same noise of the machine.
  for (let round = 0; round < 4; round++) {
    const [inPage, inNode] = [await timeInPage(page, texts, [one]), await timeInNode(node, texts, [one])]
    const swapped = other === undefined ? [] : await timeInPage(page, texts, [one, other])
    if (round === 0) continue
    rounds.page.push(...inPage)
    rounds.node.push(...inNode)
    rounds.same.push(median(inPage))
    if (other !== undefined) rounds.swapped.push(median(swapped))
  }
  const ratio = median(rounds.page) / median(rounds.node)
  console.log(`An SMS, warm, one thread                ${describe(rounds.page)} (bar: ≤ 15 ms)`)
  console.log(
    `  onnxruntime-node, one thread          ${describe(rounds.node)}; the page takes ${ratio.toFixed(1)} × as long`,
  )
  if (other === undefined) return
  const swaps = rounds.swapped.map((each, at) => each - (rounds.same[at] ?? 0))
  const shown = swaps.map((each) => each.toFixed(2)).join(', ')
  console.log(`Another adapter at each SMS             ${median(swaps).toFixed(2)} ms more (${shown}; bar: ≤ 5 ms)`)
}

async function addAdapter(page: Page, bundle: string, adapter: string): Promise<void> {
  const names = ['adapter_config.json', 'adapter_model.safetensors', 'graft.json']
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(bundle, 'adapters', adapter, name), 'base64')] as const),
  )
  const times = await page.evaluate(async (files) => {
    const times: number[] = []
    const made = files.map(
      ([name, content]) => new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name),
    )
    for (let round = 0; round < 10; round++) {
      const started = performance.now()
      await classifier.addAdapter('own', made)
      times.push(performance.now() - started)
    }
    return times
  }, files)
  console.log(`An adapter of one's own added           ${describe(times)}`)
}

async function table(page: Page, node: Classifier, { url }: RunningSite, messages: readonly string[]): Promise<void> {
  const texts = Array.from({ length: ROWS }, (_, row) => messages[row % messages.length] ?? '')
  await page.goto(url)
  await page.locator('#tools').waitFor()
  await page.evaluate(() => {
    globalThis.longTasks = []
    new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
      type: 'longtask',
    })
  })
  const buffer = Buffer.from(stringify([['text'], ...texts.map((text) => [text])]))
  const [inPage = 0] = await time(async () => {
    await page.setInputFiles('#table-file', { name: 'messages.csv', mimeType: 'text/csv', buffer })
    await page.getByRole('link', { name: 'Download the result' }).waitFor({ timeout: 300_000 })
  }, 1)
  const tasks = await page.evaluate(() => longTasks)
  const [adapter] = node.adapters
  const [inNode = 0] = await time(() => node.classify(texts, { adapter }), 1)
  console.log(
    `A table of ${ROWS} SMS                     ${(inPage / 1000).toFixed(1)} s; onnxruntime-node ${(inNode / 1000).toFixed(1)} s`,
  )
  const longest = Math.max(0, ...tasks)
  console.log(`  main-thread tasks > 50 ms meanwhile   ${tasks.length}, longest ${longest.toFixed(0)} ms (bar: 0)`)
}

async function main(bundle: string): Promise<void> {
  if (!existsSync(bundle)) {
    console.error(`${bundle} is not there: make it with \`npm run quickstart\`, or give the folder of a bundle.`)
    process.exitCode = 1
    return
  }
  console.log(`\n${bundle}`)
  const dir = join(await mkdtemp(join(tmpdir(), 'graft-web-')), 'site')
  await printSizes(dir, await writeSite(bundle, dir, {}))
  const [site, browser, node] = [await serveSite(dir), await launchChromium(), await openBundle(bundle, { threads: 1 })]
  console.log(`\nChromium ${browser.version()}, headless`)
  await visits(browser, site)
  const page = await browser.newPage()
  const messages = await readMessages()
  await openLibrary(page, site)
  await warm(page, node, messages)
  const [adapter] = node.adapters
  if (adapter !== undefined) await addAdapter(page, bundle, adapter)
  await table(page, node, site, messages)
  await Promise.all([node.close(), browser.close(), site.close()])
  await rm(join(dir, '..'), { recursive: true })
}

const given = process.argv.slice(2)
for (const bundle of given.length > 0 ? given : ['models/quickstart/all-unmerged']) await main(bundle)
