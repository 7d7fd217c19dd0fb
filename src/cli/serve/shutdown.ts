/** SIGTERM and Ctrl-C for a server: the first asks for an orderly end within a time, the second ends the process at once. */
import { constants } from 'node:os'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const
type Signal = (typeof SIGNALS)[number]

/** Resolves at the first signal, from when on the process has so many milliseconds. */
export function untilAskedToStop(ms = 20_000): Promise<Signal> {
  let asked = false
  return new Promise((resolve) => {
    for (const name of SIGNALS) {
      process.on(name, () => {
        if (asked) die(name)
        asked = true
        setTimeout(() => die(name), ms).unref()
        resolve(name)
      })
    }
  })
}

/** Ends the process by the signal itself: `process.exit` waits for every thread, and aborts where one is inside of ONNX Runtime. */
export function die(signal: Signal): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  // The first process of a container is one that signals do not end.
  setTimeout(() => process.exit(128 + constants.signals[signal]), 100)
}
