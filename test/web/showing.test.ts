/** What a page shows of a bundle that says something about itself, and odd names: of labels, adapters, files and folders. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { writeSite } from '../../src/cli/web/site.ts'
import { exportBundle, openBundle } from '../../src/export/index.ts'
import { writeAdapter } from '../../src/files/adapter-folder.ts'
import { readBase } from '../../src/files/base-folder.ts'
import { type Fixture, createAdapter, writeFixture } from '../export/fixtures.ts'
import { launchChromium } from './chromium.ts'
import { openPage, serve, visit } from './fixtures.ts'

const title = 'What <is> it & "why"?'
const long = `${'unbreakable'.repeat(12)}.model`
const odd = ['constructor', '__proto__', 'toString', `label_${'x'.repeat(200)}`]
const example = 'It’s a "quoted" text; $(echo no) `echo no`\nof two lines'

let fixture: Fixture
let bundle: string
let browser: Browser
let site: Awaited<ReturnType<typeof serve>>
beforeAll(async () => {
  fixture = await writeFixture()
  bundle = join(fixture.dir, 'bundle')
  const { sha256: baseSha256 } = await readBase(fixture.base)
  const adapter = createAdapter({ base: fixture.base, baseSha256, seed: 9, rank: 2, labels: odd })
  const dir = join(fixture.dir, 'odd')
  const notes = { description: 'Of its own', scripts: ['Latin'] }
  await writeAdapter(dir, { ...adapter, info: { ...adapter.info, ...notes } })
  await exportBundle({
    base: fixture.base,
    adapters: [
      { dir, name: 'odd' },
      { dir: fixture.adapters.spam, name: long },
    ],
    mode: 'unmerged',
    dir: bundle,
    about: {
      title,
      description: 'Says <b>things</b>.',
      adapters: new Map([
        ['odd', { examples: [example] }],
        [long, { description: 'Is it spam?', examples: ['Win a prize'] }],
      ]),
    },
  })
  await writeSite(bundle, join(fixture.dir, 'site'), {})
  browser = await launchChromium()
  site = await serve(join(fixture.dir, 'site'))
})
afterAll(async () => {
  await site.close()
  await browser.close()
  await rm(fixture.dir, { recursive: true })
})

async function withPage(test: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] })
  const { page, errors } = await visit(context)
  await openPage(page, site)
  await test(page)
  expect([...errors, ...site.forbidden()]).toEqual([])
  await context.close()
}

const texts = (page: Page, selector: string) => page.locator(selector).allTextContents()

it('title, descriptions, whole examples, and the first of them classified, the likeliest label first', () =>
  withPage(async (page) => {
    expect([await page.title(), await page.locator('h1').textContent()]).toEqual([title, title])
    expect((await page.locator('#tagline').textContent())?.trim()).toBe('Says <b>things</b>.')
    expect(await page.locator('#task-description').textContent()).toBe('Of its own')
    expect(await texts(page, '#examples button')).toEqual([example])
    expect(await page.getByLabel('Text to classify').inputValue()).toBe(example)
    const node = await openBundle(bundle)
    const { label, scores } = await node.classify(example, { adapter: 'odd', topK: odd.length })
    await node.close()
    await expect.poll(() => texts(page, '.result .verdict strong')).toEqual([label])
    expect(await texts(page, '.result .label')).toEqual(scores.map((each) => each.label))
    // Another task has an example of its own, and what was typed stays.
    await page.locator('.task-choice').nth(1).click()
    await expect.poll(() => page.getByLabel('Text to classify').inputValue()).toBe('Win a prize')
    await page.getByLabel('Text to classify').fill('My own')
    await page.locator('.task-choice').first().click()
    expect(await page.getByLabel('Text to classify').inputValue()).toBe('My own')
  }))

it('a text in a script that the task was not trained on gets a hint; one of which that is not known gets none', () =>
  withPage(async (page) => {
    const hints = () => texts(page, '.hint')
    await page.getByRole('switch').check()
    for (const [text, hint] of [
      ['Ты выиграл приз, звони!', /mostly in Cyrillic script/],
      ['東京で会いましょう', /mostly in (Han|Hiragana)/],
      ['Größe: naïve café 42 🎉', /^$/],
      ['1234 !?', /^$/],
    ] as const) {
      await page.getByLabel('Text to classify').fill(text)
      await expect.poll(async () => (await hints())[0]).toMatch(hint)
      expect((await hints())[1]).toBe('')
    }
  }))

it('what is on the screen, as code that says the same', () =>
  withPage(async (page) => {
    await page.locator('.result').waitFor()
    await page.getByText('Copy as code').click()
    await page.locator('#code-text:not(:empty)').waitFor() // what is opened says so after the click
    const copied = async () => {
      await page.getByRole('button', { name: 'Copy' }).click()
      await page.getByRole('button', { name: 'Copied' }).waitFor()
      return page.evaluate(() => navigator.clipboard.readText())
    }
    const typescript = await copied()
    expect(typescript).toContain("import { openBundle } from 'graft-lora'")
    const call = /classify\((.*), \{ adapter: "odd" \}\)/.exec(typescript)?.[1] ?? ''
    expect(JSON.parse(call)).toBe(example)
    await page.getByRole('radio', { name: 'curl' }).check()
    const body = /-d '(.*)'$/s.exec(await copied())?.[1]?.replaceAll(String.raw`'\''`, "'") ?? ''
    expect(JSON.parse(body)).toEqual({ inputs: example, adapter: 'odd' })
  }))

it('labels such as constructor are labels, and long names wrap on a phone', () =>
  withPage(async (page) => {
    await page.setViewportSize({ width: 390, height: 844 })
    const name = `${'file'.repeat(60)}.csv`
    const rows = ['one', 'two', 'three', 'Win a prize', 'ok'].map((text) => `${text},x`)
    const buffer = Buffer.from(`text,${'column'.repeat(60)}\n${rows.join('\n')}\n`)
    await page.getByLabel('Choose a CSV file').setInputFiles({ name, mimeType: 'text/csv', buffer })
    await page.getByRole('link', { name: 'Download the result' }).waitFor()
    const node = await openBundle(bundle)
    const labels = (await node.classify(['one', 'two', 'three', 'Win a prize', 'ok'], { adapter: 'odd' })).map(
      (each) => each.label,
    )
    await node.close()
    const counts = [...new Set(labels)].map((label) => [label, String(labels.filter((each) => each === label).length)])
    const [shown, numbers] = [await texts(page, '#table-counts dt'), await texts(page, '#table-counts dd')]
    expect(shown.map((label, at) => [label, numbers[at]]).sort()).toEqual(counts.sort())
    expect(await texts(page, '#table-result-task')).toEqual(['Classified by odd'])
    await page.getByRole('switch').check()
    await page.locator('.result').nth(1).waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    // The result is of the one task still, and says so.
    expect(await page.locator('#table-offer').innerText()).toContain('The tasks have changed: this result is by odd.')
    await page.getByRole('button', { name: 'Classify by odd,' }).click()
    await expect.poll(() => texts(page, '#table-result-task')).toEqual([`Classified by odd, ${long}`])
    expect(await page.locator('#table-offer').isVisible()).toBe(false)
  }))

it('a table that was stopped says so, and goes on where it was', () =>
  withPage(async (page) => {
    const rows = Array.from({ length: 3000 }, (_, row) => `row ${row} ${'word '.repeat(20)}`)
    const file = { name: 'many.csv', mimeType: 'text/csv', buffer: Buffer.from(`text\n${rows.join('\n')}\n`) }
    await page.getByLabel('Choose a CSV file').setInputFiles(file)
    await expect.poll(() => page.locator('#table-progress').textContent()).toMatch(/of 3,000 rows · about \d+ s left$/)
    await page.getByRole('button', { name: 'Stop' }).click()
    const offer = await page.locator('#table-offer-text').textContent()
    const done = Number(/^Stopped after ([\d,]+) rows by odd\.$/.exec(offer ?? '')?.[1]?.replace(',', ''))
    expect(done).toBeGreaterThan(0)
    const first = page.evaluate(
      () =>
        new Promise<string>((resolve) => {
          const progress = document.getElementById('table-progress')
          new MutationObserver(() => progress?.textContent && resolve(progress.textContent)).observe(progress as Node, {
            childList: true,
          })
        }),
    )
    await page.getByRole('button', { name: 'Go on' }).click()
    expect(Number(/^[\d,]+/.exec(await first)?.[0].replace(',', ''))).toBeGreaterThan(done)
    await page.getByRole('link', { name: 'Download the result' }).waitFor({ timeout: 90_000 })
    const numbers = await texts(page, '#table-counts dd')
    expect(numbers.reduce((sum, each) => sum + Number(each.replace(',', '')), 0)).toBe(3000)
  }))

it('each file and folder that is dropped is used or gets a word', () =>
  withPage(async (page) => {
    const dropped = join(fixture.dir, 'dropped')
    const paths = ['a.csv', 'b.csv', 'photo.jpg', 'book.xlsx', 'graft.json', 'empty', 'notes']
    await mkdir(join(dropped, 'empty'), { recursive: true })
    await mkdir(join(dropped, 'notes'))
    await writeFile(join(dropped, 'notes', 'readme.md'), 'hello')
    for (const name of ['a.csv', 'b.csv']) await writeFile(join(dropped, name), 'text\nhello\n')
    for (const name of ['photo.jpg', 'book.xlsx', 'graft.json']) await writeFile(join(dropped, name), 'x')
    const session = await page.context().newCDPSession(page)
    const data = { items: [], files: paths.map((path) => join(dropped, path)), dragOperationsMask: 1 }
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await session.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data })
    await page.getByRole('link', { name: 'Download the result' }).waitFor()
    expect(await page.locator('#table-name').textContent()).toBe('a.csv')
    const notes = (await texts(page, '#drop-notes li')).join('\n')
    for (const words of [
      'b.csv was left out: one table',
      'photo.jpg is neither',
      'book.xlsx is a spreadsheet: save it as CSV',
      'graft.json alone is no adapter',
      'The folder empty holds nothing',
      'The folder notes holds no adapter and no table',
    ])
      expect(notes).toContain(words)
  }))

it('what it says about itself stands in graft.json', async () => {
  const manifest = JSON.parse(await readFile(join(bundle, 'graft.json'), 'utf8'))
  expect(manifest).toMatchObject({
    title,
    description: 'Says <b>things</b>.',
    adapters: [
      { name: 'odd', description: 'Of its own', examples: [example], scripts: ['Latin'] },
      { name: long, description: 'Is it spam?' },
    ],
  })
  const adapters = new Map([['nix', { description: 'x' }]])
  const sources = [{ dir: fixture.adapters.spam, name: 'spam' }]
  const refused = exportBundle({
    base: fixture.base,
    adapters: sources,
    mode: 'unmerged',
    dir: `${bundle}-2`,
    about: { adapters },
  })
  await expect(refused).rejects.toThrow('"nix=…" names no adapter of this bundle; there are spam')
})
