/** What every visitor downloads besides model, wasm and vocabulary stays small. */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { copyPage } from '../../src/cli/web/page.ts'

/** Bytes as gzip makes them, ONNX Runtime's JavaScript for the CPU included. Tables, adapters and code to copy are loaded later. */
const BUDGET = 70_000

/** A script and what it imports as it starts. */
async function withImports(assets: string, name: string, found = new Set<string>()): Promise<Set<string>> {
  if (found.has(name)) return found
  found.add(name)
  const code = await readFile(join(assets, name), 'utf8')
  for (const [, imported = ''] of code.matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g))
    await withImports(assets, imported, found)
  return found
}

it('the JavaScript and CSS up to the first result are within their budget', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'graft-page-'))
  await copyPage(dir)
  const assets = join(dir, 'assets')
  const names = await readdir(assets)
  const starts = names.filter((name) => /^(page|worker)-.*\.js$|^ort-wasm-simd-threaded-.*\.js$/.test(name))
  expect(starts.length).toBe(3)
  const files = new Set(names.filter((name) => name.endsWith('.css')))
  for (const name of starts) await withImports(assets, name, files)
  const sizes = await Promise.all(
    Array.from(files, async (name) => gzipSync(await readFile(join(assets, name))).length),
  )
  const bytes = sizes.reduce((sum, each) => sum + each, 0)
  console.log(`page: ${bytes} bytes of ${BUDGET}`)
  expect(bytes).toBeLessThanOrEqual(BUDGET)
  expect(bytes).toBeGreaterThan(40_000)
  await rm(dir, { recursive: true })
})
