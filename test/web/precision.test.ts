/** Bundles below float32 in the page: ONNX Runtime's WebAssembly gives the probabilities that Node gives. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeSite } from '../../src/cli/web/site.ts'
import { exportBundle, openBundle } from '../../src/export/index.ts'
import type * as library from '../../src/web/index.ts'
import { largestDifference, writeFixture } from '../export/fixtures.ts'
import { launchChromium } from './chromium.ts'
import { serve, visit, writeSiteLike } from './fixtures.ts'

declare global {
  var graft: typeof library
}

const texts = ['ok', 'URGENT!!! Reply now', 'Grüße aus 東京 — с приветом 🎉', `so ${'very '.repeat(60)}long`]
const bundles = [
  { name: 'merged-fp16', mode: 'merged', precision: 'fp16' },
  { name: 'merged-int8', mode: 'merged', precision: 'int8' },
  { name: 'merged-int4', mode: 'merged', precision: 'int4' },
  { name: 'unmerged-int8', mode: 'unmerged', precision: 'int8' },
] as const

let dir: string
let browser: Browser
const path = (name: string) => join(dir, name)

beforeAll(async () => {
  const { base, adapters, dir: folder } = await writeFixture()
  dir = folder
  const calibration = [{ texts: [{ text: 'ok', label: 'ham', file: 'precision.test.ts', line: 1 }] }]
  for (const { name, ...options } of bundles)
    await exportBundle({
      base,
      adapters: [{ dir: adapters.spam }],
      dir: path(name),
      calibration,
      maxAccuracyDrop: 1,
      ...options,
    })
  await writeSite(path(bundles[0].name), path(`${bundles[0].name}-site`), {})
  browser = await launchChromium()
})
afterAll(async () => {
  await browser.close()
  await rm(dir, { recursive: true })
})

describe('the page', () => {
  it.each(bundles)('gives what Node gives: $name', async ({ name }) => {
    const [first, site] = [`${bundles[0].name}-site`, `${name}-site`]
    if (site !== first) await writeSiteLike(path(first), path(name), path(site))
    const served = await serve(path(site))
    const { page, errors, close } = await visit(await browser.newContext())
    await page.goto(served.url)
    await page.evaluate(`import('./graft.js').then((module) => { globalThis.graft = module })`)
    const found = await page.evaluate(async (texts) => {
      const classifier = await graft.createClassifier('./')
      const results = await classifier.classify(texts)
      await classifier.close()
      return results.map(({ scores }) => scores.map(({ score }) => score))
    }, texts)
    await using node = await openBundle(path(name))
    const expected = await node.classify(texts)
    for (const [at, { scores }] of expected.entries()) {
      const differences = largestDifference(
        scores.map(({ score }) => score),
        found[at] ?? [],
      )
      expect(differences).toBeLessThan(1e-2)
    }
    expect([...errors, ...served.forbidden()]).toEqual([])
    await Promise.all([close(), served.close()])
  })
})
