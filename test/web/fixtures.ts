/** A site of a small bundle, served with the strict policy, and pages that note what goes wrong in them. */
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BrowserContext, ConsoleMessage, Page } from 'playwright-core'
import { type RunningSite, type ServeSiteOptions, isolation, serveSite, siteHeaders } from '../../src/cli/web/server.ts'
import { writeSite } from '../../src/cli/web/site.ts'
import { exportBundle } from '../../src/export/index.ts'
import { type Fixture, writeFixture } from '../export/fixtures.ts'

export interface Sites extends Fixture {
  /** Bundles. */
  unmerged: string
  merged: string
  /** Site of the unmerged bundle; the merged one lies beside it, in `merged/`. */
  site: string
  remove(): Promise<void>
}

/** Writes bundles and their site into a new folder. */
export async function writeSites(): Promise<Sites> {
  const fixture = await writeFixture()
  const { dir, base, adapters } = fixture
  const [unmerged, merged, site] = ['unmerged', 'merged', 'site'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ]
  const sources = Object.values(adapters).map((each) => ({ dir: each }))
  await exportBundle({ base, adapters: sources, mode: 'unmerged', dir: unmerged })
  await exportBundle({ base, adapters: [{ dir: adapters.topic }], mode: 'merged', dir: merged })
  await writeSite(unmerged, site, {})
  await cp(merged, join(site, 'merged'), { recursive: true })
  return { ...fixture, unmerged, merged, site, remove: () => rm(dir, { recursive: true }) }
}

/** Writes the same site with another bundle. */
export async function writeSiteLike(site: string, bundle: string, dir: string): Promise<void> {
  await cp(site, dir, { recursive: true })
  await rm(join(dir, 'bundle'), { recursive: true })
  await cp(bundle, join(dir, 'bundle'), { recursive: true })
}

export interface Visit {
  page: Page
  /** Errors in the page's console, the policy's refusals among them. */
  errors: string[]
  close(): Promise<void>
}

/** A browser with windows asks every site for this icon. */
const isError = (message: ConsoleMessage) =>
  message.type() === 'error' && !message.location().url.endsWith('/favicon.ico')

/** Opens an empty page; a context is what pages share, such as the cache. */
export async function visit(context: BrowserContext): Promise<Visit> {
  const page = await context.newPage()
  const errors: string[] = []
  page.on('console', (message) => isError(message) && errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(String(error)))
  return { page, errors, close: () => page.close() }
}

/** Opens the page of a site, and waits until its model is there. */
export async function openPage(page: Page, { url }: RunningSite): Promise<void> {
  await page.goto(url)
  await page.locator('#tools').waitFor()
}

interface ServeOptions extends ServeSiteOptions {
  isolated?: boolean
}

/** A running site, what its server answered, and what its pages and workers did that the policy forbids. */
export async function serve(dir: string, { isolated = false, base = '/', ...options }: ServeOptions = {}) {
  const responses: { path: string; status: number }[] = []
  const report = `${base}forbidden`
  const headers = {
    ...siteHeaders,
    ...(isolated && isolation),
    'Content-Security-Policy': `${siteHeaders['Content-Security-Policy']}; report-uri ${report}`,
  }
  const onResponse = (path: string, status: number) => responses.push({ path, status })
  const running = await serveSite(dir, { ...options, base, headers, onResponse })
  const forbidden = () => responses.filter(({ path }) => path === report)
  return { ...running, responses, forbidden }
}
