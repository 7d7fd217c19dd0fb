/**
 * Where log lines go: many in one write, and never at the cost of the service. A full disk, or a pipe that nobody reads, loses lines,
 * which are counted; pino's own destination waits for such a one at the end of the process, for ever.
 */
import { constants, fstatSync, openSync, write } from 'node:fs'
import { promisify } from 'node:util'
import { type Logger, pino } from 'pino'

export interface Log {
  logger: Logger
  /** Writes what waits, as far as it can be written in so many milliseconds; false where it cannot. */
  flush(ms: number): Promise<boolean>
}

export interface LogOptions {
  /** File descriptor: 2 is stderr. */
  fd: number
  /** A line was lost. */
  onDrop(): void
}

/** One write for each line would be a system call for each request. */
const WRITE_FROM = 4096
const WRITE_EVERY_MS = 100
/** Characters that wait for a disk or a reader before lines are lost. */
const MOST_WAITING = 2 ** 20

const writeBytes = promisify(write)

/**
 * Makes a log.
 * @example
 * import { createLog } from 'graft-lora/serve'
 *
 * const { logger, flush } = createLog({ fd: 2, onDrop: () => {} })
 * logger.info('ready')
 * await flush(1000)
 */
export function createLog({ fd, onDrop }: LogOptions): Log {
  const target = withoutBlocking(fd)
  let waiting = ''
  /** What a write left over. */
  let rest: Uint8Array = new Uint8Array()
  let writing: Promise<boolean> | undefined

  async function writeAll(): Promise<boolean> {
    try {
      while (rest.length > 0 || waiting !== '') {
        if (rest.length === 0) [rest, waiting] = [Buffer.from(waiting), '']
        const { bytesWritten } = await writeBytes(target, rest)
        rest = rest.subarray(bytesWritten)
      }
      return true
    } catch {
      return false // the next turn tries again
    }
  }

  const flush = () => (writing ??= writeAll().finally(() => (writing = undefined)))

  function add(line: string): void {
    if (waiting.length + line.length > MOST_WAITING) return onDrop()
    waiting += line
    if (waiting.length >= WRITE_FROM && rest.length === 0) void flush()
  }

  setInterval(flush, WRITE_EVERY_MS).unref()
  return {
    logger: pino({}, { write: add }),
    async flush(ms) {
      const late = new Promise<boolean>((resolve) => setTimeout(resolve, ms, false).unref())
      // The first may be one that was under way already.
      return Promise.race([flush().then(flush), late])
    },
  }
}

/**
 * A pipe opened anew, so that a write that finds it full fails instead of holding up a thread. Not a file: its place to write would be
 * another one.
 */
function withoutBlocking(fd: number): number {
  try {
    return fstatSync(fd).isFIFO() ? openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK) : fd
  } catch {
    return fd // no /proc, or nobody reads: writes fail, or hold up a thread that is not the service's
  }
}
