/**
 * A process that runs command lines one after another, each as `bin/graft.js` would in a process of its own: the program's main module
 * is loaded anew, with the arguments, folder and environment that the test gives; the libraries behind it stay loaded.
 * Requests are lines of JSON on stdin; the answer to each is a file.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface Request {
  args: string[]
  cwd: string
  env: NodeJS.ProcessEnv
  /** Where the answer goes. */
  answer: string
}

export interface Answer {
  status: number
  stdout: string
  stderr: string
  /** Something is to be done when the process ends, such as removing a lock: so it does end. */
  ends: boolean
}

const program = fileURLToPath(new URL('../../../bin/graft.js', import.meta.url))
const main = new URL('../../../src/cli/main.ts', import.meta.url)
const exit = process.exit.bind(process)
const listened = ['uncaughtException', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Keeps what is written to a stream instead of writing it. */
function capture(stream: NodeJS.WriteStream): () => string {
  const { write } = stream
  let text = ''
  stream.write = ((chunk: string | Uint8Array, encoding: unknown, done?: () => void) => {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
    const callback = typeof encoding === 'function' ? encoding : done
    callback?.()
    return true
  }) as typeof stream.write
  return () => {
    stream.write = write
    stream.removeAllListeners('error')
    return text
  }
}

async function run({ args, cwd, env }: Request, count: number): Promise<Answer> {
  process.chdir(cwd)
  process.argv = [process.execPath, program, ...args]
  process.env = { ...env }
  process.exitCode = undefined
  const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)]
  const ended = new Promise<number>((resolve) => {
    process.exit = ((code?: number) => resolve(code ?? Number(process.exitCode ?? 0))) as typeof process.exit
  })
  const returned = import(`${main.href}?run=${count}`).then(
    () => Number(process.exitCode ?? 0),
    (error: unknown) => (process.stderr.write(String(error)), 1),
  )
  const status = await Promise.race([ended, returned])
  for (const event of listened) process.removeAllListeners(event)
  const ends = process.listenerCount('exit') > atExit
  return { status, stdout: stdout(), stderr: stderr(), ends }
}

const atExit = process.listenerCount('exit')

let count = 0
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request
  const answer = await run(request, count++)
  writeFileSync(`${request.answer}.part`, JSON.stringify(answer))
  renameSync(`${request.answer}.part`, request.answer)
  if (answer.ends) break
}
exit(0)
