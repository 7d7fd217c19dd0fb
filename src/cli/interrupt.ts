/**
 * Signals that ask a running command to stop: Ctrl-C, SIGTERM (systemd, Docker, Slurm, spot machines) and SIGHUP (a terminal that is
 * closed). The first one makes it stop cleanly; a second Ctrl-C ends it at once.
 */
import { constants } from 'node:os'
import { GraftError } from '../core/errors.ts'

const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
export type StopSignal = (typeof names)[number]

const causes: Record<StopSignal, string> = { SIGINT: 'Ctrl-C', SIGTERM: 'SIGTERM', SIGHUP: 'SIGHUP' }

/** What a shell reports of a process that a signal has ended. */
export const exitCodeOf = (name: StopSignal): number => 128 + constants.signals[name]

export const isStopSignal = (value: unknown): value is StopSignal => names.some((name) => name === value)

/** One Ctrl-C arrives twice where npm or another parent passes it on, too. */
const SAME_MS = 300

let controller: AbortController | undefined
let interruptedAt = -Infinity

function stop(controller: AbortController, name: StopSignal): void {
  const isAgain = performance.now() - interruptedAt > SAME_MS
  if (name === 'SIGINT' && interruptedAt > -Infinity && isAgain) process.exit(exitCodeOf(name))
  if (name === 'SIGINT' && isAgain) interruptedAt = performance.now()
  if (controller.signal.aborted) return
  const byHand = name === 'SIGINT' ? ' Press Ctrl-C again to quit at once.' : ''
  // A terminal that was closed takes no text.
  process.stderr.on('error', () => undefined)
  process.stdout.on('error', () => undefined)
  process.stderr.write(`\nStopping.${byHand}\n`)
  controller.abort(
    new GraftError('interrupted', `stopped by ${causes[name]}`, {
      hint: 'Run the command again to go on or to start over.',
      value: name,
    }),
  )
}

/**
 * A signal that aborts when the process is asked to stop, for the command to end in an orderly way. Its reason is a `GraftError`
 * `interrupted`, which `signal.throwIfAborted()` throws. A command that never asks for it is ended by those signals as usual.
 */
export function interruptSignal(): AbortSignal {
  if (!controller) {
    const created = (controller = new AbortController())
    for (const name of names) process.on(name, () => stop(created, name))
  }
  return controller.signal
}
