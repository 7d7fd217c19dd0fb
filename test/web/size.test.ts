/** What every visitor downloads besides model, wasm and vocabulary stays small. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { copyPage } from '../../src/cli/web/page.ts'
import { listParts } from '../../src/cli/web/site.ts'

/** Bytes that the page's JavaScript and CSS may take as gzip makes them, ONNX Runtime's JavaScript for the CPU included. */
const BUDGET = 60_000

it('the page’s own JavaScript and CSS are within their budget', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'graft-page-'))
  await copyPage(dir)
  const page = (await listParts(dir)).find(({ name }) => name === 'page: JavaScript and CSS')
  const files = await Promise.all(
    (page?.files ?? []).map(async (file) => gzipSync(await readFile(join(dir, file))).length),
  )
  const bytes = files.reduce((sum, each) => sum + each, 0)
  console.log(`page: ${bytes} bytes of ${BUDGET}`)
  expect(files.length).toBeGreaterThan(4)
  expect(bytes).toBeLessThanOrEqual(BUDGET)
  await rm(dir, { recursive: true })
})
