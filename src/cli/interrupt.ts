/** Ctrl-C: the first asks the running command to stop cleanly, the second ends the process. */
import { GraftError } from '../core/errors.ts'

let controller: AbortController | undefined

function interrupt(): void {
  if (controller?.signal.aborted) process.exit(130)
  process.stderr.write('\nStopping. Press Ctrl-C again to quit at once.\n')
  controller?.abort(
    new GraftError('interrupted', 'stopped by Ctrl-C', { hint: 'Run the command again to go on or to start over.' }),
  )
}

/**
 * A signal that aborts at the first Ctrl-C, for the command to end in an orderly way. Its reason is a `GraftError`
 * `interrupted`, which `signal.throwIfAborted()` throws. A command that never asks for it is ended by Ctrl-C as usual.
 */
export function interruptSignal(): AbortSignal {
  if (!controller) {
    controller = new AbortController()
    process.on('SIGINT', interrupt)
  }
  return controller.signal
}
