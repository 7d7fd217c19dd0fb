/** Headless Chromium: the one that `npm ci` brings, and the system's where there is one. */
import { createReadStream, createWriteStream, existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chmod, mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createBrotliDecompress } from 'node:zlib'
import { type Browser, chromium } from 'playwright-core'

const cache = fileURLToPath(new URL('../../node_modules/.cache/graft/', import.meta.url))

/**
 * Unpacks the browser of @sparticuz/chromium once. Its own function leaves a half-written file where several do so at once.
 * @returns the program's path
 */
async function packagedChromium(): Promise<string> {
  const main = createRequire(import.meta.url).resolve('@sparticuz/chromium')
  const packed = join(dirname(main), '../../bin/chromium.br')
  const program = join(cache, `chromium-${statSync(packed).size}`)
  if (existsSync(program)) return program
  await mkdir(cache, { recursive: true })
  const temporary = `${program}.${process.pid}`
  await pipeline(createReadStream(packed), createBrotliDecompress(), createWriteStream(temporary))
  await chmod(temporary, 0o755)
  await rename(temporary, program)
  return program
}

const systemPaths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The system's browser, if any. */
export const systemChromium: string | undefined = systemPaths.find((path) => existsSync(path))

/** No sandbox, since tests may run as root; no network but the pages'. */
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking']

/**
 * Starts a browser.
 * @param flags of Chromium, besides the usual ones
 */
export async function launchChromium({
  program,
  flags = [],
}: { program?: string | undefined; flags?: string[] } = {}): Promise<Browser> {
  return chromium.launch({ executablePath: program ?? (await packagedChromium()), args: [...FLAGS, ...flags] })
}
