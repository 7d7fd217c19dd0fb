/**
 * Merged bundles in each precision in headless Chromium, on one thread of WebAssembly: what is downloaded, and time for a message.
 * `npm run bench:precision` runs it.
 */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { serveSite } from '../../src/cli/web/server.ts'
import { writeSite } from '../../src/cli/web/site.ts'
import type * as library from '../../src/web/index.ts'
import { launchChromium } from '../../test/web/chromium.ts'
import { median } from '../measure.ts'
import { PRECISIONS, bases, writeBundles } from '../precision/bundles.ts'
import { printTable, ratio } from '../precision/table.ts'

declare global {
  var graft: typeof library, classifier: library.WebClassifier
}

const ROUNDS = 8
/** Some twenty tokens, and a batch of eight. */
const MESSAGES = Array.from(
  { length: 8 },
  (_, at) => `URGENT! Your number ${at} was drawn: call now to claim your prize of 500 pounds`,
)

/** Bytes of a folder's files, as a server sends them. */
async function gzippedBytes(dir: string): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  let bytes = 0
  for (const entry of entries.filter((each) => each.isFile()))
    bytes += (await promisify(gzip)(await readFile(join(entry.parentPath, entry.name)))).length
  return bytes
}

async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await page.goto(new URL('graft.js', url).href)
  await page.evaluate(`import('./graft.js').then((module) => { globalThis.graft = module })`)
  await page.evaluate(async () => void (globalThis.classifier = await graft.createClassifier('./', { threads: 1 })))
  return page
}

const milliseconds = (page: Page, texts: readonly string[]): Promise<number> =>
  page.evaluate(async (texts) => {
    const started = performance.now()
    await classifier.classify([...texts])
    return performance.now() - started
  }, texts)

async function measurePage(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'graft-precision-'))
  const browser = await launchChromium()
  const rows: string[][] = []
  try {
    for (const [name, base] of bases()) {
      const bundles = await writeBundles(base, join(dir, name), 'merged')
      const pages: Page[] = []
      const sites = []
      for (const precision of PRECISIONS) {
        const site = join(dir, `${name}-${precision}-site`)
        await writeSite(bundles[precision] ?? '', site, {})
        sites.push(await serveSite(site, { port: 0 }))
        pages.push(await openPage(browser, sites.at(-1)!.url)) // just pushed
      }
      const times = PRECISIONS.map(() => ({ one: [] as number[], eight: [] as number[] }))
      for (let round = -2; round < ROUNDS; round++) {
        for (const [at, page] of pages.entries()) {
          const [one, eight] = [await milliseconds(page, MESSAGES.slice(0, 1)), await milliseconds(page, MESSAGES)]
          if (round < 0) continue
          times[at]?.one.push(one)
          times[at]?.eight.push(eight)
        }
      }
      const sizes = await Promise.all(PRECISIONS.map((precision) => gzippedBytes(bundles[precision] ?? '')))
      for (const [at, precision] of PRECISIONS.entries()) {
        const { one = [], eight = [] } = times[at] ?? {}
        rows.push([
          name,
          precision,
          `${((sizes[at] ?? NaN) / 1e6).toFixed(1)} MB`,
          `${((100 * (sizes[at] ?? NaN)) / (sizes[0] ?? NaN)).toFixed(0)} %`,
          median(one).toFixed(1),
          ratio(times[0]?.one, one),
          median(eight).toFixed(1),
          ratio(times[0]?.eight, eight),
        ])
      }
      await Promise.all(sites.map((site) => site.close()))
    }
  } finally {
    await browser.close()
    await rm(dir, { recursive: true, force: true })
  }
  printTable(
    'Merged bundles in Chromium, WebAssembly, 1 thread',
    ['model', 'precision', 'bundle, gzip', 'of fp32', 'a message, ms', 'against fp32', 'eight, ms', 'against fp32'],
    rows,
  )
}

await measurePage()
