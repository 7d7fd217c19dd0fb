/** SIGTERM and Ctrl-C for a server: the first asks for an orderly end within a time, the second ends the process at once. */
import { constants } from 'node:os'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const
type Signal = (typeof SIGNALS)[number]

/** Resolves at the first signal. */
export function untilAskedToStop(): Promise<Signal> {
  let asked = false
  return new Promise((resolve) => {
    for (const name of SIGNALS) {
      process.on(name, () => {
        if (asked) die(name)
        asked = true
        resolve(name)
      })
    }
  })
}

/** Closes; where that is not done in time, the process dies of the signal that asked for it. */
export async function endWithin(ms: number, signal: Signal, close: () => Promise<boolean>): Promise<void> {
  const timer = setTimeout(() => die(signal), ms)
  const isClosed = await close()
  clearTimeout(timer)
  // A write that somebody holds up would hold up the end too.
  if (!isClosed) die(signal)
}

/** By the signal itself: `process.exit` waits for every thread, and aborts where one is inside of ONNX Runtime. */
function die(signal: Signal): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  // The first process of a container is one that signals do not end.
  setTimeout(() => process.exit(128 + constants.signals[signal]), 100)
}
