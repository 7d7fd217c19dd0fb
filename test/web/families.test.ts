/** The page with a family of another tokenizer than GPT-2's: a BERT, merged and unmerged, and what of GPT-2's it leaves alone. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBundle, openModel } from '../../src/export/index.ts'
import type * as library from '../../src/web/index.ts'
import { largestDifference } from '../export/fixtures.ts'
import { launchChromium } from './chromium.ts'
import { type BertSites, texts, writeBertSites } from './families.ts'
import { openPage, serve, visit } from './fixtures.ts'

declare global {
  /** What tests put into the page. */
  var graft: typeof library
}

let sites: BertSites
let browser: Browser
beforeAll(async () => {
  ;[sites, browser] = [await writeBertSites(), await launchChromium()]
})
afterAll(async () => {
  await browser.close()
  await sites.remove()
})

/** What the page's library gives for the texts. */
async function inPage(page: Page, adapter?: string) {
  // As text: the test's own imports are not the page's.
  await page.evaluate(`import('./graft.js').then((module) => { globalThis.graft = module })`)
  return page.evaluate(
    async ([texts, adapter]) => {
      const classifier = await graft.createClassifier('./')
      const results = await classifier.classify(texts, { adapter })
      const logits = await classifier.logits(texts, { adapter })
      await classifier.close()
      return { results, logits: logits.map((each) => [...each]) }
    },
    [texts, adapter] as const,
  )
}

const tokensOf = (results: readonly library.Classification[]) =>
  results.map(({ tokens, truncated, label }) => ({ tokens, truncated, label }))

/** The same in Node: as many tokens, and logits that differ as much as float32 does. */
async function expectAsInNode(page: Page, bundle: string, adapter?: string): Promise<void> {
  await using node = await openBundle(bundle)
  const { results, logits } = await inPage(page, adapter)
  expect(tokensOf(results)).toEqual(tokensOf(await node.classify(texts, { adapter })))
  const expected = await node.logits(texts, { adapter })
  for (const [at, each] of expected.entries()) expect(largestDifference(each, logits[at] ?? [])).toBeLessThan(1e-3)
}

/** Paths that were asked for, without what makes their cache's key. */
const paths = (site: Awaited<ReturnType<typeof serve>>) => site.responses.map(({ path }) => path.replace(/\?.*/, ''))

describe('the page of a merged BERT', () => {
  it('has Node’s tokens and logits, works without a network, and leaves GPT-2’s vocabulary alone', async () => {
    const site = await serve(sites.mergedSite)
    const { page, errors, close } = await visit(await browser.newContext())
    await openPage(page, site)
    await page.locator('.result').waitFor()
    expect(await page.locator('#adapter').isVisible()).toBe(false)
    await expectAsInNode(page, sites.merged)
    await page.evaluate(async () => void (await navigator.serviceWorker.ready))
    const isKept = (path: string) => page.evaluate(async (path) => (await caches.match(path)) !== undefined, path)
    await expect.poll(() => isKept('bundle/graft.json')).toBe(true)
    expect(paths(site)).toContain('/bundle/tokenizer.json')
    expect(paths(site).filter((path) => path.includes('gpt2-ranks'))).toEqual([])
    const { url } = site
    await Promise.all([close(), site.close()])

    const again = await visit(page.context())
    await again.page.goto(url)
    await again.page.getByLabel('Text to classify').fill(texts[0] ?? '')
    await again.page.locator('.result').waitFor()
    await expectAsInNode(again.page, sites.merged)
    expect([...errors, ...again.errors]).toEqual([])
    await again.close()
  })
})

describe('the page of an unmerged BERT', () => {
  it('has Node’s tokens and logits with each of its adapters', async () => {
    const site = await serve(sites.unmergedSite)
    const { page, errors, close } = await visit(await browser.newContext())
    await page.goto(site.url)
    for (const adapter of ['task-0', 'task-1']) await expectAsInNode(page, sites.unmerged, adapter)
    expect([...errors, ...site.forbidden()]).toEqual([])
    await Promise.all([close(), site.close()])
  })

  it('takes an adapter of the visitor’s, whose head has a bias', async () => {
    const site = await serve(sites.unmergedSite)
    const { page, errors, close } = await visit(await browser.newContext())
    await openPage(page, site)
    const names = ['adapter_config.json', 'adapter_model.safetensors', 'graft.json']
    const weights = await readFile(join(sites.adapter, 'adapter_model.safetensors'), 'latin1')
    expect(weights).toContain('classifier.bias')
    await page.getByLabel('Text to classify').fill(texts[0] ?? '')
    await page.getByLabel('Choose its files').setInputFiles(names.map((name) => join(sites.adapter, name)))
    await expect.poll(() => page.locator('#adapter-notes').textContent()).toContain('Added my adapter: no, yes')
    await using node = await openModel(sites.adapter)
    const { label } = await node.classify(texts[0] ?? '')
    await expect.poll(() => page.locator('.result .verdict strong').allTextContents()).toEqual([label])
    expect([...errors, ...site.forbidden()]).toEqual([])
    await Promise.all([close(), site.close()])
  })
})
