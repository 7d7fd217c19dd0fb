/** The reader and the writer of tables, in Chromium: the cases that Node runs too. */
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, describe } from 'vitest'
import type { Input, Outcome } from '../core/table/run.ts'
import { tableSuite } from '../core/table/table.suite.ts'
import { launchChromium } from './chromium.ts'

declare global {
  /** What the bundle puts into the page. */
  var tables: { runCase(input: Input): Promise<Outcome> }
}

let browser: Browser
let page: Page
beforeAll(async () => {
  const entry = fileURLToPath(new URL('../core/table/run.ts', import.meta.url))
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2022',
      lib: { entry, formats: ['iife'], name: 'tables' },
      rollupOptions: { output: { codeSplitting: false } },
    },
  })
  const [output] = [built].flat()
  if (!output || !('output' in output)) throw new Error('nothing was built')
  browser = await launchChromium()
  page = await browser.newPage()
  await page.addScriptTag({ content: `${output.output[0].code}\nglobalThis.tables = tables` })
})
afterAll(() => browser.close())

describe('tables in Chromium', () => {
  tableSuite((input) => page.evaluate((each) => tables.runCase(each), input))
})
