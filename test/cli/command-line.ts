/**
 * Runs command lines of `graft` in one warm process, which saves each of them the second that Node, tsx and the libraries take to
 * start. What needs a process of its own (signals, closed pipes, stdin, a GPU's driver, Node's options) starts `program` itself.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Answer, Request } from './warm/process.ts'

/** `bin/graft.js` */
export const program = fileURLToPath(new URL('../../bin/graft.js', import.meta.url))

export interface RunOptions {
  cwd?: string
  /** Added to this process's environment. */
  env?: NodeJS.ProcessEnv
}

/** Until this is over a command line has ended, or hangs. */
const DEADLINE_MS = 110_000

let warm: { send(request: Request): void; folder: string; pid: number | undefined } | undefined
let sent = 0

function start() {
  const folder = mkdtempSync(join(tmpdir(), 'graft-command-line-'))
  const script = fileURLToPath(new URL('./warm/process.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  // It ends with this process, whose end closes its stdin.
  child.unref()
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return { folder, pid: child.pid, send: (request: Request) => child.stdin.write(`${JSON.stringify(request)}\n`) }
}

/**
 * Runs `graft` with these arguments, and returns when it has ended, as `spawnSync` does.
 * @example
 * ```ts
 * const { status, stderr } = runGraft(['train', '--base', 'base'], { cwd: fixture.dir })
 * ```
 */
export function runGraft(args: readonly string[], { cwd = process.cwd(), env = {} }: RunOptions = {}): Answer {
  warm ??= start()
  const answer = join(warm.folder, String(sent++))
  warm.send({ args: [...args], cwd, env: { ...process.env, NO_COLOR: '1', ...env }, answer })
  const waited = new Int32Array(new SharedArrayBuffer(4))
  for (let waits = 0; !existsSync(answer); waits++) {
    if (waits * 5 > DEADLINE_MS) throw new Error(`graft ${args.join(' ')} did not end`)
    Atomics.wait(waited, 0, 0, 5)
  }
  const result = JSON.parse(readFileSync(answer, 'utf8')) as Answer
  if (result.ends) warm = undefined
  return result
}
