/** The library in a real browser gives onnxruntime-node's logits for every golden text and adapter. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Probe } from '../../src/core/bundle.ts'
import { type Classifier, openBundle } from '../../src/runtime/index.ts'
import { classifierSuite } from '../core/classifier.suite.ts'
import { largestDifference } from '../export/fixtures.ts'
import { launchChromium, systemChromium } from './chromium.ts'
import { type Sites, type Visit, serve, visit, writeSites } from './fixtures.ts'
import type * as library from '../../src/web/index.ts'

declare global {
  /** What tests put into the page. */
  var graft: typeof library, classifier: library.WebClassifier
}

let sites: Sites
let browser: Browser
beforeAll(async () => {
  sites = await writeSites()
  browser = await launchChromium()
})
afterAll(async () => {
  await browser.close()
  await sites.remove()
})

/** Opens a page that has the library. */
async function openLibrary({ url }: { url: string }, browser: Browser): Promise<Visit> {
  const visited = await visit(await browser.newContext())
  await visited.page.goto(new URL('graft.js', url).href)
  // As text: the test's own imports are not the page's.
  await visited.page.evaluate(`import('./graft.js').then((module) => { globalThis.graft = module })`)
  return visited
}

/** Makes a classifier in a page. */
const createClassifier = ({ page }: Visit, options: library.WebOptions = {}) =>
  page.evaluate(async (options) => {
    globalThis.classifier = await graft.createClassifier('./', options)
  }, options)

async function open(site: { url: string }, browser: Browser, options: library.WebOptions = {}): Promise<Visit> {
  const visited = await openLibrary(site, browser)
  await createClassifier(visited, options)
  return visited
}

const readGolden = async (bundle: string): Promise<Probe[]> =>
  JSON.parse(await readFile(join(bundle, 'golden.json'), 'utf8'))

/** Largest difference of the page's logits from Node's. */
async function compare(visited: Visit, node: Classifier, golden: readonly Probe[]): Promise<number> {
  const texts = golden.map(({ text }) => text)
  const choice = golden[0]?.adapter === undefined ? {} : { adapter: golden.map(({ adapter }) => adapter ?? '') }
  const found = await visited.page.evaluate(
    async ([texts, choice]) => (await classifier.logits(texts, choice)).map((logits) => [...logits]),
    [texts, choice] as const,
  )
  const expected = await node.logits(texts, choice)
  return Math.max(...expected.map((logits, at) => largestDifference(logits, found[at] ?? [])))
}

/** The browsers that there are. */
const browsers = [
  ['the packaged Chromium', undefined],
  ...(systemChromium ? [['the system’s Chromium', systemChromium]] : []),
]

it.each(browsers)('in %s the logits are onnxruntime-node’s', async (_, program) => {
  const site = await serve(sites.site)
  const own = program ? await launchChromium({ program }) : browser
  const visited = await openLibrary(site, own)
  for (const [bundle, probes] of [
    ['unmerged', 24],
    ['merged', 8],
  ] as const) {
    await createClassifier(visited, bundle === 'merged' ? { bundle: 'merged/' } : {})
    const node = await openBundle(sites[bundle])
    const golden = await readGolden(sites[bundle])
    expect(golden.length).toBe(probes)
    // Both compute in float32, in another order.
    expect(await compare(visited, node, golden)).toBeLessThan(1e-3)
    await node.close()
  }
  expect([...visited.errors, ...site.forbidden()]).toEqual([])
  await Promise.all([visited.close(), site.close()])
  if (program) await own.close()
})

describe('a classifier in a page', () => {
  let site: Awaited<ReturnType<typeof serve>>
  const visits: Visit[] = []
  beforeAll(async () => {
    site = await serve(sites.site)
  })
  afterAll(async () => {
    await Promise.all(visits.map(({ close }) => close()))
    await site.close()
  })

  classifierSuite(async (bundle) => {
    const visited = await open(site, browser, bundle === 'merged' ? { bundle: 'merged/' } : {})
    visits.push(visited)
    return async (method, ...args) => {
      // An error crosses by its fields, and `undefined` in a list as it is.
      const answer = await visited.page.evaluate(
        async ([method, args]) => {
          try {
            const member = classifier[method] as unknown
            const result: unknown = typeof member === 'function' ? await member.apply(classifier, args) : member
            return { result }
          } catch (error) {
            const { code, message, hint } = error as library.GraftError
            return { failure: { code, message, hint } }
          }
        },
        [method, args] as const,
      )
      if (answer.failure) throw Object.assign(new Error(answer.failure.message), answer.failure)
      return answer.result
    }
  })

  it('left no error in the console', () => expect(visits.flatMap(({ errors }) => errors)).toEqual([]))
})

describe('a classifier', () => {
  // The packaged Chromium has no WebGPU. Without a graphics card, SwiftShader computes in its place.
  it.skipIf(!systemChromium)('runs with WebGPU, where the system’s Chromium has it', async ({ skip }) => {
    const site = await serve(sites.site)
    const flags = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan']
    const own = await launchChromium({ program: systemChromium, flags })
    const { page, close } = await visit(await own.newContext())
    await page.goto(site.url)
    const hasGpu = await page.evaluate(async () => (await navigator.gpu?.requestAdapter()) != null)
    await close()
    skip(!hasGpu, 'it has none')
    const visited = await open(site, own, { device: 'webgpu' })
    const node = await openBundle(sites.unmerged)
    expect(await visited.page.evaluate(() => classifier.model.device)).toBe('webgpu')
    expect(await compare(visited, node, (await readGolden(sites.unmerged)).slice(0, 5))).toBeLessThan(1e-3)
    expect([...visited.errors, ...site.forbidden()]).toEqual([])
    await Promise.all([node.close(), own.close(), site.close()])
  })

  it('runs on several threads where the page is isolated', async () => {
    const site = await serve(sites.site, { isolated: true })
    const visited = await open(site, browser, { threads: 2 })
    const node = await openBundle(sites.unmerged)
    expect(await visited.page.evaluate(() => [crossOriginIsolated, classifier.model.threads])).toEqual([true, 2])
    expect(await compare(visited, node, await readGolden(sites.unmerged))).toBeLessThan(1e-3)
    expect([...visited.errors, ...site.forbidden()]).toEqual([])
    await Promise.all([node.close(), visited.close(), site.close()])
  })

  it('takes another adapter for each text, and says which there are', async () => {
    const site = await serve(sites.site)
    const visited = await open(site, browser, { threads: 2 })
    expect(await visited.page.evaluate(() => classifier.model.threads)).toBe(1) // as the page is not isolated
    const node = await openBundle(sites.unmerged)
    const [texts, adapter] = [
      ['Win a prize', 'The match ended', 'Win a prize'],
      ['spam', 'topic', 'mood'],
    ]
    const found = await visited.page.evaluate(
      ([texts = [], adapter]) => classifier.classify(texts, { adapter }),
      [texts, adapter],
    )
    const expected = await node.classify(texts, { adapter })
    expect(found.map(({ label, tokens }) => [label, tokens])).toEqual(
      expected.map(({ label, tokens }) => [label, tokens]),
    )
    expect(await visited.page.evaluate(() => [classifier.adapters, classifier.labels('topic')])).toEqual([
      ['spam', 'topic', 'mood'],
      ['World', 'Sports', 'Business', 'Sci/Tech'],
    ])
    const refused = visited.page.evaluate(() =>
      classifier.classify(['x'], { adapter: 'nix' }).catch((error: library.GraftError) => [error.code, error.message]),
    )
    expect(await refused).toEqual(['adapter-index', 'there is no adapter "nix"; there are spam, topic, mood'])
    await Promise.all([node.close(), visited.close(), site.close()])
  })

  it('fails with a message where the site is not', async () => {
    const site = await serve(sites.site)
    const visited = await openLibrary(site, browser)
    const message = await visited.page.evaluate(() =>
      graft.createClassifier('./elsewhere').catch((error: library.GraftError) => `${error.message}. ${error.hint}`),
    )
    expect(message).toMatch(
      /elsewhere\/assets\/worker-[\w-]+\.js cannot be started\. The folder that `graft web` wrote must lie whole/,
    )
    await Promise.all([visited.close(), site.close()])
  })
})
