/** GPUs, their drivers and libraries, as this system reports them. */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { visibleGpus } from '../device/gpus.ts'
import type { Check } from './check.ts'

const run = promisify(execFile)

const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader']

/** Of CUDA's libraries: CUDA 12 and cuDNN 9 are for device cuda, CUDA 11 and cuDNN 8 for tfjs-node-gpu. */
const CUDA_LIBRARIES = ['libcudart.so.12', 'libcublas.so.12', 'libcudnn.so.9', 'libcudart.so.11.0', 'libcudnn.so.8']

/** Looks for GPUs, and on Linux for what devices reach them by. */
export async function checkGpus(): Promise<Check[]> {
  const [gpus, nvidia] = [visibleGpus(), await nvidiaGpus()]
  const name = 'GPU'
  const gpu: Check =
    gpus.length + nvidia.length > 0
      ? {
          name,
          status: 'ok',
          found: [...nvidia, ...gpus.filter((each) => each !== 'NVIDIA' || nvidia.length === 0)].join('; '),
        }
      : { name, status: 'optional', found: 'none', advice: 'None is needed; with one, install its driver.' }
  if (process.platform !== 'linux') return [gpu]
  const libraries = await systemLibraries()
  return [gpu, checkVulkan(libraries), checkCuda(libraries)]
}

/** As the driver's own tool reports them. */
async function nvidiaGpus(): Promise<string[]> {
  try {
    const { stdout } = await run('nvidia-smi', query, { timeout: 10_000 })
    const lines = stdout.trim().split('\n')
    return lines.map((gpu) => gpu.replace(/, ([^,]*)$/, ', driver $1'))
  } catch {
    return []
  }
}

/** Names of the libraries that the loader finds. */
async function systemLibraries(): Promise<Set<string>> {
  const listed = await run('/sbin/ldconfig', ['-p']).catch(() => ({ stdout: '' }))
  const cached = [...listed.stdout.matchAll(/^\s*(\S+\.so[.\d]*) /gm)].map(([, name = '']) => name)
  const paths = process.env['LD_LIBRARY_PATH']?.split(delimiter).filter((path) => existsSync(path)) ?? []
  return new Set([...cached, ...paths.flatMap((path) => readdirSync(path))])
}

function checkVulkan(libraries: ReadonlySet<string>): Check {
  const name = 'Vulkan'
  const drivers = vulkanDrivers()
  const loader = libraries.has('libvulkan.so.1')
  if (loader && drivers.length > 0) return { name, status: 'ok', found: `drivers ${drivers.join(', ')}` }
  const found = loader ? 'its loader, but no driver' : 'not found'
  const advice = "For device webgpu: the GPU's driver, and the loader: `apt-get install libvulkan1`."
  return { name, status: 'optional', found, advice }
}

/** Files that describe drivers (https://github.com/KhronosGroup/Vulkan-Loader/blob/main/docs/LoaderDriverInterface.md). */
function vulkanDrivers(): string[] {
  const named = process.env['VK_DRIVER_FILES'] ?? process.env['VK_ICD_FILENAMES']
  if (named !== undefined) return named.split(delimiter).filter((file) => existsSync(file))
  return ['/etc/vulkan/icd.d', '/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d']
    .filter((dir) => existsSync(dir))
    .flatMap((dir) => readdirSync(dir).map((file) => join(dir, file)))
}

function checkCuda(libraries: ReadonlySet<string>): Check {
  const name = 'CUDA libraries'
  const found = CUDA_LIBRARIES.filter((library) => libraries.has(library))
  if (found.length > 0) return { name, status: 'ok', found: found.join(', ') }
  const advice = 'Only for NVIDIA GPUs: docs/gpu.md has the steps.'
  return { name, status: 'optional', found: 'not found', advice }
}
