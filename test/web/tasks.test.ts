/** The page of a bundle whose adapters give one label, several labels, or a number. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { writeSite } from '../../src/cli/web/site.ts'
import { exportBundle, openBundle } from '../../src/export/index.ts'
import { type Fixture, writeFixture, writeTaskAdapters } from '../export/fixtures.ts'
import { launchChromium } from './chromium.ts'
import { openPage, serve, visit } from './fixtures.ts'

let fixture: Fixture
let bundle: string
let browser: Browser
let site: Awaited<ReturnType<typeof serve>>
beforeAll(async () => {
  fixture = await writeFixture()
  bundle = join(fixture.dir, 'bundle')
  await writeTaskAdapters(fixture)
  const adapters = ['spam', 'several', 'number'].map((name) => ({ name, dir: join(fixture.dir, name) }))
  await exportBundle({ base: fixture.base, adapters, mode: 'unmerged', dir: bundle })
  await writeSite(bundle, join(fixture.dir, 'site'), {})
  browser = await launchChromium()
  site = await serve(join(fixture.dir, 'site'))
})
afterAll(async () => {
  await site.close()
  await browser.close()
  await rm(fixture.dir, { recursive: true })
})

const texts = (page: Page, selector: string) => page.locator(selector).allTextContents()

it('shows the labels that a text has, and a number without bars', async () => {
  const context = await browser.newContext()
  const { page, errors } = await visit(context)
  await openPage(page, site)
  await page.getByLabel('Text to classify').fill('see you')
  await page.getByRole('switch').check()
  await expect.poll(() => texts(page, '.result .task')).toEqual(['spam', 'several', 'number'])
  await using node = await openBundle(bundle, { threads: 1 })
  const [{ label }, { value }] = [
    await node.classify('see you', { adapter: 'spam' }),
    await node.classify('see you', { adapter: 'number' }),
  ]
  const shown = String(Number(value!.toPrecision(4)))
  await expect.poll(() => texts(page, '.result .verdict strong')).toEqual([label, 'anger, joy', 'stars'])
  expect((await texts(page, '.result .verdict .number')).slice(1)).toEqual(['', shown])
  expect(await texts(page, '.result:nth-child(2) .top .label')).toEqual(expect.arrayContaining(['anger', 'joy']))
  expect(await page.locator('.result:nth-child(2) .top').count()).toBe(2)
  expect(await page.locator('.result:nth-child(3) li').count()).toBe(0)
  await page.getByText('Copy as code').click()
  const answers = async () =>
    [...((await page.textContent('#code-text')) ?? '').matchAll(/classify\((.*)\)(.*)/g)].map(([, ...parts]) => parts)
  // What is opened says so after the click: only then is the code written.
  await expect.poll(answers).toEqual([
    ['"see you", { adapter: "spam" })', ''],
    ['"see you", { adapter: "several" })).labels', ' // all that the text has'],
    ['"see you", { adapter: "number" })).value', ' // the number'],
  ])
  await page.getByRole('radio', { name: 'curl' }).check()
  expect(await page.textContent('#code-text')).toContain(
    '# results[0].labels of the answer: all that the text has\ncurl http://127.0.0.1:8080/v1/classify',
  )
  const buffer = Buffer.from('text\nsee you\nok\n')
  await page.getByLabel('Choose a CSV file').setInputFiles({ name: 'rows.csv', mimeType: 'text/csv', buffer })
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download the result' }).click()
  const chunks: Buffer[] = []
  for await (const chunk of await (await download).createReadStream()) chunks.push(chunk as Buffer)
  const [head, first] = Buffer.concat(chunks).toString().split('\n')
  expect(head).toBe('text,spam_label,spam_score,several_labels,number_value')
  expect(first).toContain('"[""anger"",""joy""]"')
  expect([...errors, ...site.forbidden()]).toEqual([])
  await context.close()
})
