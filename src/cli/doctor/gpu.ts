/** NVIDIA GPUs, as the driver's own tool reports them. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Check } from './check.ts'

const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader']

/** Looks for an NVIDIA GPU with a driver. */
export async function checkGpu(): Promise<Check> {
  const name = 'NVIDIA GPU'
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 10_000 })
    const found = stdout
      .trim()
      .split('\n')
      .map((gpu) => gpu.replace(/, ([^,]*)$/, ', driver $1'))
      .join('; ')
    return { name, status: 'ok', found }
  } catch {
    const advice = 'None is needed; with one, install its driver so that `nvidia-smi` finds it.'
    return { name, status: 'optional', found: 'not found', advice }
  }
}
