/** A server outlives the terminal and the reader of its output: what would be written there goes to its log, which may lose lines. */
import { format } from 'node:util'
import type { Logger } from 'pino'

/** From here on no output that fails, or that nobody reads, ends the process or holds it up. */
export function keepRunning(log: Logger): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners('error')
    stream.on('error', () => undefined)
  }
  const print = (...values: unknown[]) => log.warn(format(...values))
  // Libraries and Node itself print here. A write to a pipe that is full holds up the thread.
  Object.assign(console, { log: print, info: print, warn: print, error: print })
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message }) => print(`${name}: ${message}`))
}
