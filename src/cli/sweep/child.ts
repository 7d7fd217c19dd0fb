/** One run of a sweep: `graft train` as a process of its own, so that its peak of memory is its own too. */
import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GraftError } from '../../core/errors.ts'
import { checkpointPath } from '../../train/run.ts'
import type { TrainSettings } from '../../train/settings.ts'
import type { SweepOutcome } from '../../train/sweep.ts'
import type { TrainResult } from '../../train/train.ts'

export interface ChildRun {
  base: string
  data: string
  settings: TrainSettings
  threads: number | undefined
  out: string
  signal: AbortSignal
}

/** What `graft train --json` prints. */
type Printed = (TrainResult & { memoryBytes: number }) | { error: { code: string; message: string; hint: string } }

function argumentsOf({ base, data, settings: { device }, threads, out }: ChildRun, recipe: string): string[] {
  const options = { base, data, out, recipe, device, ...(threads !== undefined && { threads }) }
  const pairs = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  // A folder without a result is of a run that ended just before it was noted.
  return [...pairs, '--json', '--force', ...(existsSync(checkpointPath(out)) ? ['--resume'] : [])]
}

const figures = ({ accuracy, macroF1 }: TrainResult['test']) => ({ accuracy, macroF1 })

function parsePrinted(stdout: string): Printed | undefined {
  try {
    return JSON.parse(stdout)
  } catch {
    return undefined // it died before it could print
  }
}

/**
 * Trains, or goes on with the interrupted run in `out`. A run that diverges is an outcome too.
 * @throws GraftError what the run failed with; the signal's reason
 */
export async function trainInChild(run: ChildRun): Promise<SweepOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'graft-sweep-'))
  const recipe = join(folder, 'settings.json')
  const { device: _, ...settings } = run.settings // a machine's, and no recipe's
  await writeFile(recipe, JSON.stringify(settings))
  try {
    return outcomeOf(run, await runChild(argumentsOf(run, recipe), run.signal))
  } finally {
    await rm(folder, { recursive: true })
  }
}

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs `graft train` to its end. @throws the signal's reason */
async function runChild(args: string[], signal: AbortSignal): Promise<Ended> {
  const [program = ''] = process.argv.slice(1)
  const child = spawn(process.execPath, [program, 'train', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  // Whatever asked this process to stop may have reached the child too, which minds no SIGTERM after that.
  const stop = () => void child.kill('SIGTERM')
  signal.addEventListener('abort', stop)
  process.once('exit', stop)
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (output.stdout += chunk))
  child.stderr.on('data', (chunk) => (output.stderr += chunk))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  signal.removeEventListener('abort', stop)
  process.off('exit', stop)
  signal.throwIfAborted()
  return { code, ...output }
}

async function outcomeOf(run: ChildRun, { code, stdout, stderr }: Ended): Promise<SweepOutcome> {
  const printed = parsePrinted(stdout)
  if (printed && 'error' in printed && printed.error.code === 'loss-not-finite') {
    await rm(checkpointPath(run.out), { force: true })
    return { status: 'diverged', message: printed.error.message }
  }
  if (code !== 0 || !printed || 'error' in printed) {
    const reason =
      printed && 'error' in printed ? printed.error.message : stderr.trim().split('\n').slice(-3).join('\n')
    throw new GraftError('runtime', `the run ${run.out} of the sweep failed: ${reason}`, {
      hint: 'Mend what is wrong, and go on with --resume.',
      value: code,
    })
  }
  const { validation, test, parameters, seconds, memoryBytes } = printed
  const file = run.settings.method === 'lora' ? 'adapter_model.safetensors' : 'model.safetensors'
  return {
    status: 'finished',
    validation: figures(validation),
    test: figures(test),
    parameters,
    seconds,
    memoryBytes,
    fileBytes: statSync(join(run.out, file)).size,
  }
}
