/** The page of examples/web classifies what is typed. */
import { cp, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { serveSite } from '../../src/cli/web/server.ts'
import { openBundle } from '../../src/runtime/index.ts'
import { launchChromium } from '../web/chromium.ts'
import { visit, writeSites } from '../web/fixtures.ts'

it('examples/web', async () => {
  const sites = await writeSites()
  const example = join(sites.dir, 'example')
  await cp(fileURLToPath(new URL('../../examples/web', import.meta.url)), example, { recursive: true })
  await rename(sites.site, join(example, 'site'))
  const [server, browser, node] = [await serveSite(example), await launchChromium(), await openBundle(sites.unmerged)]
  const { page, errors } = await visit(await browser.newContext())
  await page.goto(server.url)
  await expect.poll(() => page.locator('output').textContent(), { timeout: 60_000 }).toBe('ham or spam')
  await page.getByLabel('Text').fill('Win a prize')
  const [expected] = await node.classify(['Win a prize'], { adapter: 'spam' })
  const text = `${expected?.label} (${expected?.score.toFixed(2)})`
  await expect.poll(() => page.locator('output').textContent()).toBe(text)
  expect(errors).toEqual([])
  await Promise.all([browser.close(), server.close(), node.close()])
  await sites.remove()
})
