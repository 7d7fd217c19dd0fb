/**
 * Keeps long texts out of the command line: ONNX Runtime's first session recurses over that of its process, and ends it with a
 * segmentation fault where it is some 30 kB long (half of that on a thread).
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'

/** Bytes that a command line may have. */
const LIMIT = 4096

/** Stands for the arguments, which come through a pipe. */
const PIPED = '--arguments-from-pipe'
const PIPE = 3

const passedOn: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']

/**
 * Runs the program again in a process with a short command line, where this one's is long, and ends as that one does.
 * @returns whether that was done
 */
export async function runWithShortArguments(): Promise<boolean> {
  const [node = '', program = '', ...args] = process.argv
  if (args[0] === PIPED) {
    process.argv.splice(2, Infinity, ...(JSON.parse(readFileSync(PIPE, 'utf8')) as string[])) // written below
    return false
  }
  if (Buffer.byteLength(process.argv.join(' ')) <= LIMIT) return false
  const child = spawn(node, [...process.execArgv, program, PIPED], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    // In a group of its own, or Ctrl-C on a terminal would reach it twice: a second one quits at once.
    detached: true,
  })
  const handlers = passedOn.map((signal) => [signal, () => void child.kill(signal)] as const)
  for (const [signal, pass] of handlers) process.on(signal, pass)
  const pipe = child.stdio[PIPE] as NodeJS.WritableStream
  // A child that is gone before it has read them says so by its exit code.
  pipe.on('error', () => undefined)
  pipe.end(JSON.stringify(args))
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (...end) => resolve(end))
  })
  for (const [name, pass] of handlers) process.off(name, pass)
  if (signal === null) process.exitCode = code ?? 1
  else endBySignal(signal)
  return true
}

function endBySignal(signal: NodeJS.Signals): void {
  process.exitCode = 128 + constants.signals[signal]
  process.kill(process.pid, signal)
}
