/** What a visitor downloads up to the first result besides model, wasm and vocabulary stays small. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { exportBundle } from '../../src/export/index.ts'
import { launchChromium } from './chromium.ts'
import { type BertSites, writeBertSites, writeUnmerged } from './families.ts'
import { type Sites, serve, writeSiteLike, writeSites } from './fixtures.ts'

/** Bytes as gzip makes them, ONNX Runtime's JavaScript for the CPU included. Tables, adapters of one's own and code to copy are loaded later. */
const BUDGET = 70_000

/** Families with the other kinds of tokenizers, as `tokenizers` wrote them. */
const kinds = { 'byte pairs': ['llama', 'llama-3'], Unigram: ['xlm-roberta', 'xlm-roberta'] } as const

let gpt2: Sites
let bert: BertSites
let browser: Browser
beforeAll(async () => {
  ;[gpt2, bert, browser] = [await writeSites(), await writeBertSites(), await launchChromium()]
  await writeSiteLike(gpt2.site, gpt2.merged, siteOf('merged'))
  // The adapters whose layers are not told by a regular expression, as hardly any are.
  const adapters = [{ dir: gpt2.adapters.spam }, { dir: gpt2.adapters.topic }]
  await exportBundle({ base: gpt2.base, adapters, mode: 'unmerged', dir: join(gpt2.dir, 'two') })
  await writeSiteLike(gpt2.site, join(gpt2.dir, 'two'), siteOf('unmerged'))
  for (const [kind, [family, name]] of Object.entries(kinds)) {
    const tokenizer = join(import.meta.dirname, '../interop/golden/tokenizers', name)
    const bundle = await writeUnmerged(join(gpt2.dir, kind), { family, tokenizer })
    await writeSiteLike(gpt2.site, bundle, siteOf(kind))
  }
})
afterAll(async () => {
  await browser.close()
  await Promise.all([gpt2.remove(), bert.remove()])
})

const siteOf = (kind: string) => join(gpt2.dir, `site-${kind}`)

/** Scripts and styles that the server gave until the first result was there; what is kept for visits without a network comes later. */
async function loadedFiles(dir: string): Promise<Set<string>> {
  const site = await serve(dir)
  const context = await browser.newContext({ serviceWorkers: 'block' })
  const page = await context.newPage()
  // What is beside the text, which the page goes on to load, does not come.
  await page.route(/\/assets\/tools-/, () => undefined)
  await page.goto(site.url)
  await page.locator('.result').waitFor()
  await Promise.all([context.close(), site.close()])
  const paths = site.responses.map(({ path }) => path.replace(/\?.*/, ''))
  return new Set(paths.filter((path) => /\.(css|js)$/.test(path)))
}

it.each([
  ['merged GPT-2', () => siteOf('merged')],
  ['unmerged GPT-2', () => siteOf('unmerged')],
  ['merged BERT', () => bert.mergedSite],
  ['unmerged BERT', () => bert.unmergedSite],
  ['unmerged Llama with byte pairs', () => siteOf('byte pairs')],
  ['unmerged XLM-RoBERTa with Unigram', () => siteOf('Unigram')],
])('of a page of a %s, JavaScript and CSS are within their budget', async (kind, dirOf) => {
  const dir = dirOf()
  const files = await loadedFiles(dir)
  const sizes = await Promise.all(Array.from(files, async (path) => gzipSync(await readFile(join(dir, path))).length))
  const bytes = sizes.reduce((sum, each) => sum + each, 0)
  console.log(`page of a ${kind}: ${bytes} bytes of ${BUDGET}`)
  expect(bytes).toBeLessThanOrEqual(BUDGET)
  expect(bytes).toBeGreaterThan(40_000)
})
