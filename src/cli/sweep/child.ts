/** One run of a sweep: `graft train` as a process of its own, so that its peak of memory is its own too. */
import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
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
  out: string
  signal: AbortSignal
}

/** What `graft train --json` prints. */
type Printed = TrainResult & { memoryBytes: number }

function argumentsOf({ base, data, settings, out }: ChildRun): string[] {
  const { method, lora, learningRate, seed, epochs, batchSize, maxLength } = settings
  const options = {
    base,
    data,
    out,
    method,
    rank: lora.rank,
    alpha: lora.alpha,
    'target-modules': [lora.targetModules].flat().join(','),
    'learning-rate': learningRate,
    seed,
    epochs,
    'batch-size': batchSize,
    'max-length': maxLength,
  }
  const pairs = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  // A folder without a result is of a run that ended just before it was noted.
  return [...pairs, '--json', '--force', ...(existsSync(checkpointPath(out)) ? ['--resume'] : [])]
}

const figures = ({ accuracy, macroF1 }: TrainResult['test']) => ({ accuracy, macroF1 })

/**
 * Trains, or goes on with the interrupted run in `out`.
 * @throws GraftError what the run failed with; the signal's reason
 */
export async function trainInChild(run: ChildRun): Promise<SweepOutcome> {
  const [program = ''] = process.argv.slice(1)
  const child = spawn(process.execPath, [program, 'train', ...argumentsOf(run)], { stdio: ['ignore', 'pipe', 'pipe'] })
  // Whatever asked this process to stop may have reached the child too, which minds no SIGTERM after that.
  const stop = () => void child.kill('SIGTERM')
  run.signal.addEventListener('abort', stop)
  process.once('exit', stop)
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (output.stdout += chunk))
  child.stderr.on('data', (chunk) => (output.stderr += chunk))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  run.signal.removeEventListener('abort', stop)
  process.off('exit', stop)
  run.signal.throwIfAborted()
  if (code !== 0) {
    const reason = output.stderr.trim().split('\n').slice(-3).join('\n')
    throw new GraftError('runtime', `a run of the sweep failed: ${reason}`, {
      hint: 'Correct its settings, and go on with --resume.',
      value: code,
    })
  }
  const { validation, test, parameters, seconds, memoryBytes }: Printed = JSON.parse(output.stdout)
  const file = run.settings.method === 'lora' ? 'adapter_model.safetensors' : 'model.safetensors'
  const fileBytes = statSync(join(run.out, file)).size
  return {
    validation: figures(validation),
    test: figures(test),
    parameters,
    seconds,
    memoryBytes,
    fileBytes,
  }
}
