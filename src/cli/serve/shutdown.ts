/** SIGTERM and Ctrl-C for a server: the first asks for an orderly end, the second ends the process at once. */
import { constants } from 'node:os'

/** Resolves at the first signal. */
export function untilAskedToStop(): Promise<void> {
  let asked = false
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.on(name, () => {
        if (asked) process.exit(128 + constants.signals[name])
        asked = true
        resolve()
      })
    }
  })
}
