/** What the page says where its site is damaged or its browser lacks something: each a message that says what to do. */
import { readFile, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium } from './chromium.ts'
import { type Sites, serve, visit, writeSites } from './fixtures.ts'

let sites: Sites
let browser: Browser
let site: Awaited<ReturnType<typeof serve>>
let wasm: string
beforeAll(async () => {
  sites = await writeSites()
  browser = await launchChromium()
  site = await serve(sites.site)
  const assets = await readdir(join(sites.site, 'assets'))
  wasm = `assets/${assets.find((name) => name.startsWith('ort-wasm-simd-threaded-') && name.endsWith('.wasm'))}`
})
afterAll(async () => {
  await site.close()
  await browser.close()
  await sites.remove()
})

/** What the page says to a first visitor. */
async function failure(browser: Browser): Promise<string> {
  const context = await browser.newContext()
  const { page } = await visit(context)
  await page.goto(site.url)
  const alert = page.getByRole('alert', { name: 'The model cannot be loaded' })
  await alert.waitFor()
  const text = (await alert.locator('p').allTextContents()).join(' | ')
  await context.close()
  return text
}

/** Changes a file of the site for a while. */
async function withFile(path: string, content: (old: Buffer) => string | Uint8Array, test: () => Promise<void>) {
  const file = join(sites.site, path)
  await rename(file, `${file}.kept`)
  try {
    await writeFile(file, content(await readFile(`${file}.kept`)))
    await test()
  } finally {
    await rename(`${file}.kept`, file)
  }
}

async function withoutFile(path: string, test: () => Promise<void>): Promise<void> {
  const file = join(sites.site, path)
  await rename(file, `${file}.kept`)
  await test().finally(() => rename(`${file}.kept`, file))
}

const flip = (old: Buffer) => Uint8Array.from(old, (byte, at) => (at === 5000 ? byte ^ 1 : byte))
const html = () => '<!DOCTYPE html>\n<html lang="en"><title>Start page</title></html>'

describe('a site with', () => {
  it('a damaged model', () =>
    withFile('bundle/onnx/model.onnx', flip, async () => {
      const text = await failure(browser)
      expect(text).toMatch(
        /bundle\/onnx\/model\.onnx is not the file that belongs here: SHA-256 \w{12}…, not \w{12}… \|/,
      )
      expect(text).toContain('Upload the folder that `graft web` wrote whole, and reload the page.')
    }))

  it('a damaged wasm', () =>
    withFile(wasm, flip, async () => {
      expect(await failure(browser)).toContain(`${wasm} is not the file that belongs here`)
    }))

  it('an HTML page in place of the wasm', () =>
    withFile(wasm, html, async () => {
      const text = await failure(browser)
      expect(text).toContain(`${wasm}: the server sends an HTML page in place of the file`)
      expect(text).toContain('The file is missing')
    }))

  it('an HTML page in place of graft.json', () =>
    withFile('bundle/graft.json', html, async () => {
      expect(await failure(browser)).toContain('bundle/graft.json: the server sends an HTML page')
    }))

  it.each(['bundle/graft.json', 'bundle/adapters/topic/adapter_model.safetensors'])('no %s', (path) =>
    withoutFile(path, async () => {
      expect(await failure(browser)).toContain(`${path}: the server answers 404 | Upload the folder`)
    }),
  )

  it('a graft.json of another version', () =>
    withFile(
      'bundle/graft.json',
      (old) => old.toString().replace('"formatVersion": 1', '"formatVersion": 9'),
      async () => {
        expect(await failure(browser)).toContain(
          'formatVersion: version 9 is not known, only 1 | Make the bundle again',
        )
      },
    ))
})

describe('a browser', () => {
  it.each([
    [
      'without WebAssembly SIMD',
      '--no-enable-sse4-1',
      'This browser has no WebAssembly SIMD | Use a newer one: Chrome',
    ],
    ['with too little memory', '--wasm-max-mem-pages=300', 'The browser has too little memory for this model | Close'],
  ])('%s', async (_, flags, message) => {
    const poor = await launchChromium({ flags: [`--js-flags=${flags}`] })
    expect(await failure(poor)).toContain(message)
    await poor.close()
  })

  it('without WebGPU, where the address asks for it', async () => {
    const context = await browser.newContext()
    const { page } = await visit(context)
    await page.goto(`${site.url}?device=webgpu`)
    const alert = page.getByRole('alert', { name: 'The model cannot be loaded' })
    await expect.poll(() => alert.textContent(), { timeout: 20_000 }).toContain('WebGPU')
    await page.getByRole('radio', { name: 'CPU' }).check()
    await page.locator('#tools').waitFor()
    expect(await alert.isVisible()).toBe(false)
    expect(page.url()).toBe(site.url)
    await context.close()
  })
})

it('goes on after a failure, once its reason is gone', async () => {
  const context = await browser.newContext()
  const { page } = await visit(context)
  await withoutFile('bundle/config.json', async () => {
    await page.goto(site.url)
    await page.getByRole('alert', { name: 'The model cannot be loaded' }).waitFor()
  })
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.locator('#tools').waitFor()
  expect(await page.getByRole('alert', { name: 'The model cannot be loaded' }).isVisible()).toBe(false)
  await context.close()
})
