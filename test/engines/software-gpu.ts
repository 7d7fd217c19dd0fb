/**
 * A GPU in software for machines without one: SwiftShader, a Vulkan driver that computes on the processor, and Vulkan's loader, both
 * from the package of the browser that tests use. Run by itself, it prints the variables under which programs see it.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'

const cache = fileURLToPath(new URL('../../node_modules/.cache/graft/', import.meta.url))
const DRIVER = 'libvk_swiftshader.so'
const LOADER = 'libvulkan.so.1'

/** Only Linux on x64 is in the package. */
export const hasSoftwareGpu = process.platform === 'linux' && process.arch === 'x64'

/**
 * Unpacks driver and loader once.
 * @returns the environment in which a process, from its start, sees the software GPU
 */
export async function softwareGpu(): Promise<Record<'LD_LIBRARY_PATH' | 'VK_DRIVER_FILES', string>> {
  const packed = join(
    dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')),
    '../../bin/swiftshader.tar.br',
  )
  const dir = join(cache, `swiftshader-${statSync(packed).size}`)
  if (!existsSync(dir)) await unpack(await promisify(brotliDecompress)(await readFile(packed)), dir)
  return { LD_LIBRARY_PATH: dir, VK_DRIVER_FILES: join(dir, 'swiftshader.json') }
}

/** To a temporary folder first, since several processes may do so at once. */
async function unpack(archive: Buffer, dir: string): Promise<void> {
  const temporary = `${dir}.${process.pid}`
  await mkdir(temporary, { recursive: true })
  const tar = execFile('tar', ['--extract', '--directory', temporary, DRIVER, LOADER])
  tar.stdin?.end(archive)
  const [code] = await once(tar, 'close')
  if (code !== 0) throw new Error(`tar ended with ${code}`)
  // The loader wants an absolute path where the file does not lie beside the driver's usual place.
  const manifest = { file_format_version: '1.0.0', ICD: { library_path: join(dir, DRIVER), api_version: '1.0.5' } }
  await writeFile(join(temporary, 'swiftshader.json'), JSON.stringify(manifest))
  await rename(temporary, dir).catch(() => rm(temporary, { recursive: true }))
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  console.log(
    Object.entries(await softwareGpu())
      .map((pair) => pair.join('='))
      .join(' '),
  )
}
