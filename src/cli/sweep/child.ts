/** One run of a sweep: `graft train` as a process of its own, so that its peak of memory is its own too. */
import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GraftError } from '../../core/errors.ts'
import { writeFileAtomic } from '../../files/atomic.ts'
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
  return [...pairs, '--json', existsSync(checkpointPath(out)) ? '--resume' : '--force']
}

/** Writes a run's settings, all of them, beside its folder. */
async function writeSettings(run: ChildRun): Promise<string> {
  const { device: _, ...settings } = run.settings // a machine's, and no recipe's
  const { out } = run
  const file = `${out}.settings.json`
  await mkdir(dirname(out), { recursive: true })
  await writeFileAtomic(file, `${JSON.stringify(settings, undefined, 2)}\n`)
  return file
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
  const [program = ''] = process.argv.slice(1)
  const args = argumentsOf(run, await writeSettings(run))
  const child = spawn(process.execPath, [program, 'train', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  // Ctrl-C reaches the child by itself on a terminal; a second one would end it before it has saved.
  const stop = () => process.stdin.isTTY || child.kill('SIGINT')
  run.signal.addEventListener('abort', stop)
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (output.stdout += chunk))
  child.stderr.on('data', (chunk) => (output.stderr += chunk))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  run.signal.removeEventListener('abort', stop)
  run.signal.throwIfAborted()
  const printed = parsePrinted(output.stdout)
  if (printed && 'error' in printed && printed.error.code === 'loss-not-finite') {
    await rm(checkpointPath(run.out), { force: true })
    return { status: 'diverged', message: printed.error.message }
  }
  if (code !== 0 || !printed || 'error' in printed) {
    const reason =
      printed && 'error' in printed ? printed.error.message : output.stderr.trim().split('\n').slice(-3).join('\n')
    throw new GraftError('runtime', `the run ${run.out} of the sweep failed: ${reason}`, {
      hint: `Its settings are in ${run.out}.settings.json. Mend what is wrong, and go on with --resume.`,
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
