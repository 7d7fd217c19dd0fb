/** `graft web`: what it writes, what it refuses, and the site that it opens. */
import { spawn } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { exportBundle } from '../../src/export/index.ts'
import { type Fixture, writeFixture } from '../export/fixtures.ts'
import type { SitePart } from '../../src/cli/web/site.ts'
import { program, runGraft } from './command-line.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await writeFixture()
  await exportBundle({
    adapters: [{ dir: fixture.adapters.spam }],
    mode: 'unmerged',
    dir: path('bundle'),
    probes: ['ok'],
  })
})
afterAll(() => rm(fixture.dir, { recursive: true }))

const path = (name: string) => join(fixture.dir, name)
const graft = (...args: string[]) => runGraft(['web', ...args], { cwd: fixture.dir })

it('writes page and bundle, once', () => {
  const { status, stdout, stderr } = graft('bundle', '--out', 'site')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(/^page: JavaScript and CSS +\d\.\d\d MB$/m)
  expect(stdout).toContain('Wrote site: put it on any static host')
  expect(readdirSync(path('site')).sort()).toEqual([
    '.graft-files.json',
    'assets',
    'bundle',
    'graft.js',
    'index.html',
    'licenses.txt',
    'service-worker.js',
    'worker.js',
  ])
  const licenses = readFileSync(path('site/licenses.txt'), 'utf8')
  expect(licenses).toMatch(/^## onnxruntime-web - .*\n\nMIT License\n\nCopyright \(c\) Microsoft Corporation$/m)
  expect(readFileSync(path('site/bundle/graft.json'))).toEqual(readFileSync(path('bundle/graft.json')))
  const again = graft('bundle', '--out', 'site')
  expect(again.status).toBe(1)
  expect(again.stderr).toContain('--force')
  const json = JSON.parse(graft('bundle', '--out', 'site', '--force', '--json').stdout)
  expect(json.out).toBe('site')
  const parts: SitePart[] = json.parts
  expect(parts.filter(({ optional }) => !optional).map(({ name }) => name)).toEqual([
    'page: JavaScript and CSS',
    'ONNX Runtime (WebAssembly)',
    'tokenizer',
    'model',
    'adapters',
    'what the bundle says of itself',
  ])
  expect(parts.filter(({ optional }) => optional)).toHaveLength(4)
  const needed = parts.reduce((sum, { bytes, optional }) => sum + (optional ? 0 : bytes), 0)
  expect(stdout).toContain(`A first visit downloads ${(needed / 1e6).toFixed(2)} MB`)
})

it('refuses a bundle whose weights lie beside the graph, as those of large models do', async () => {
  const adapters = [{ dir: fixture.adapters.spam }]
  await exportBundle({ adapters, mode: 'unmerged', dir: path('large'), probes: ['ok'], externalFrom: 0 })
  const { status, stderr } = graft('large', '--out', 'never')
  expect(status).toBe(1)
  expect(stderr).toContain('large is too large for a page')
  expect(existsSync(path('never'))).toBe(false)
})

it('refuses a bundle that is not sound, and writes nothing', () => {
  cpSync(path('bundle'), path('damaged'), { recursive: true })
  appendFileSync(path('damaged/onnx/model.onnx'), ' ')
  const { status, stderr } = graft('damaged', '--out', 'never')
  expect(status).toBe(1)
  expect(stderr).toContain('model.onnx is damaged or was changed: its SHA-256 is')
  expect(existsSync(path('never'))).toBe(false)
  expect(graft('nowhere', '--out', 'never').stderr).toContain('nowhere/graft.json does not exist')
  expect(graft('bundle').status).toBe(2)
})

// On Linux the program of the variable BROWSER is the browser.
it.skipIf(process.platform !== 'linux')('serves the site and opens it, until it is asked to stop', async () => {
  const browser = path('browser')
  writeFileSync(browser, `#!/bin/sh\necho "$1" > ${path('opened')}\n`, { mode: 0o755 })
  const child = spawn(process.execPath, [program, 'web', 'bundle', '--out', 'opened-site', '--open', '--json'], {
    cwd: fixture.dir,
    env: { ...process.env, BROWSER: browser, DISPLAY: '', WAYLAND_DISPLAY: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.on('close', resolve))
  let stdout = ''
  for await (const chunk of child.stdout) {
    stdout += chunk
    if (stdout.endsWith('}\n')) break
  }
  const { url } = JSON.parse(stdout)
  await expect.poll(() => existsSync(path('opened')), { timeout: 10_000 }).toBe(true)
  expect(readFileSync(path('opened'), 'utf8').trim()).toBe(url)
  const response = await fetch(url)
  expect(await response.text()).toContain('<title>Text classifier</title>')
  expect(response.headers.get('Content-Security-Policy')).toContain("script-src 'self' 'wasm-unsafe-eval'")
  expect(response.headers.get('Cross-Origin-Embedder-Policy')).toBe('require-corp')
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})
