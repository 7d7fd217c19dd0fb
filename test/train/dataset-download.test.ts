/** Downloading the SMS Spam Collection from a server of the test's own: cache, checksum, progress, failures. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { downloadSmsSpam } from '../../src/train/download.ts'
import { hasSharedData, sharedData } from '../shared-data.ts'

const zip = (files: Record<string, Uint8Array>) => zipSync({ readme: strToU8('about'), ...files })

const answers: Record<string, () => Uint8Array> = {
  '/real.zip': () => zip({ SMSSpamCollection: readFileSync(sharedData('sms-spam/SMSSpamCollection')) }),
  '/other.zip': () => zip({ SMSSpamCollection: strToU8('ham\thello\n') }),
  '/without.zip': () => zip({}),
  '/portal.html': () => strToU8('<html>Please log in</html>'),
}

let server: Server
let origin = ''
let requests = 0
let cacheDir = ''

beforeAll(async () => {
  server = createServer(({ url = '' }, response) => {
    requests++
    if (url === '/cut.zip') {
      response.writeHead(200, { 'content-length': 1_000 })
      response.write('PK', () => response.destroy())
      return
    }
    const answer = answers[url]
    response.writeHead(answer ? 200 : 404).end(answer?.())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'graft-cache-'))
  requests = 0
})
afterEach(() => rm(cacheDir, { recursive: true }))

describe('downloadSmsSpam', () => {
  it.skipIf(!hasSharedData)('downloads once, and again where the cached file is damaged', async () => {
    const progress: [number, number][] = []
    const options = {
      cacheDir,
      url: `${origin}/real.zip`,
      onProgress: (...bytes: [number, number]) => progress.push(bytes),
    }
    const path = await downloadSmsSpam(options)
    expect(readFileSync(path)).toEqual(readFileSync(sharedData('sms-spam/SMSSpamCollection')))
    expect(progress.at(-1)?.[0]).toBeGreaterThan(100_000)
    expect(progress.every(([received, total]) => received <= total)).toBe(true)
    await downloadSmsSpam(options)
    expect(requests).toBe(1)
    writeFileSync(path, 'damaged')
    expect(await downloadSmsSpam(options)).toBe(path)
    expect(requests).toBe(2)
    expect(readFileSync(path).length).toBe(477_907)
  })

  it.each([
    ['another file in the archive', '/other.zip', 'checksum', 'instead of 7d039a24'],
    ['an archive without the file', '/without.zip', 'network', 'holds no SMSSpamCollection'],
    ['a page instead of the archive', '/portal.html', 'network', 'did not give a zip archive'],
    ['an error of the server', '/missing', 'network', 'the server answered 404'],
    ['an answer that breaks off', '/cut.zip', 'network', 'cannot download'],
  ])('refuses %s and leaves nothing', async (_, path, code, message) => {
    const url = origin + path
    await expect(downloadSmsSpam({ cacheDir, url })).rejects.toMatchObject({
      name: 'GraftError',
      code,
      message: expect.stringContaining(message),
      file: url,
    })
    expect(existsSync(join(cacheDir, 'SMSSpamCollection'))).toBe(false)
  })

  it('names the file form that it takes instead where there is no network', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const { port } = closed.address() as AddressInfo
    await new Promise((resolve) => closed.close(resolve))
    await expect(downloadSmsSpam({ cacheDir, url: `http://127.0.0.1:${port}/x.zip` })).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('ECONNREFUSED'),
      hint: expect.stringMatching(/`graft data FILE`.*label<TAB>text.*CSV, TSV or JSON Lines/),
    })
  })
})
