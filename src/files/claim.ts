/**
 * Who writes to a path: each process puts a lock file of its own beside it, `.<name>.<id>.lock`. An id is never used twice, so a
 * dead process' lock can be removed by anybody at any time, and no two processes can take over the same one.
 */
import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { readFile, readdir, readlink, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { GraftError } from '../core/errors.ts'

/** The process that holds a lock. */
interface Owner {
  pid: number
  /** When the process started: another one that got the same number later did so at another time. */
  started: string
  host: string
  /** Of the system's start, where it tells: process numbers mean nothing after the next one. */
  boot: string
  /** Container, within which process numbers hold. */
  namespace: string
}

export interface Claim {
  /** Part of the names of all that the claim's holder puts beside the path. */
  id: string
  release(): Promise<void>
}

/** How often a lock is touched, and after how long without that the process of another machine counts as dead. */
const [TOUCH_MS, DEAD_MS] = [15_000, 5 * 60_000]

/** In which a lock that was made has its content. */
const UNWRITTEN_MS = 5_000

/** A name with what is put around it has to stay below 255 bytes. */
const LONGEST_NAME = 190

const shortName = (path: string) => {
  const name = basename(path)
  return Buffer.byteLength(name) <= LONGEST_NAME ? name : createHash('sha256').update(name).digest('hex')
}

/** Path of a hidden file or folder beside a path. */
export const besidePath = (path: string, id: string, kind: 'lock' | 'tmp' | 'old') =>
  join(dirname(path), `.${shortName(path)}.${id}.${kind}`)

const suffix = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(lock|tmp|old)$/

/** What lies beside a path: for each id the kinds that are there. */
export async function listBeside(path: string): Promise<Map<string, Set<string>>> {
  const start = `.${shortName(path)}.`
  const found = new Map<string, Set<string>>()
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    const [, id, kind] = (name.startsWith(start) && suffix.exec(name.slice(start.length))) || []
    if (id !== undefined && kind !== undefined) found.set(id, (found.get(id) ?? new Set()).add(kind))
  }
  return found
}

const text = (path: string) => readFile(path, 'utf8').catch(() => '')

/** Empty for a process that is not there, or is dead and only not collected yet. */
async function startOf(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    // The command's name, in parentheses, may hold spaces.
    const fields = (await text(`/proc/${pid}/stat`)).split(') ').at(-1)?.split(' ') ?? []
    return 'ZX'.includes(fields[0] ?? '') ? '' : (fields[19] ?? '')
  }
  if (process.platform === 'win32') return isRunning(pid) ? 'unknown' : ''
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
  const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)], { env }).catch(() => ({
    stdout: '',
  }))
  return stdout.trim()
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

let own: Promise<Owner> | undefined

const thisProcess = (): Promise<Owner> =>
  (own ??= (async () => ({
    pid: process.pid,
    started: await startOf(process.pid),
    host: hostname(),
    boot: (await text('/proc/sys/kernel/random/boot_id')).trim(),
    namespace: await readlink('/proc/self/ns/pid').catch(() => ''),
  }))())

function parseOwner(json: string): Partial<Owner> {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

/** The living process that holds a lock, as far as it is known. */
async function holderOf(lock: string): Promise<Partial<Owner> | undefined> {
  const [owner, me] = [parseOwner(await text(lock)), await thisProcess()]
  if (owner.host === me.host) {
    if (owner.boot !== me.boot) return undefined
    if (owner.namespace === me.namespace && owner.pid !== undefined)
      return (await startOf(owner.pid)) === owner.started ? owner : undefined
  }
  // Another machine's or container's process, or a lock that is being written: whoever lives touches it.
  const touched = await stat(lock).catch(() => undefined)
  // Without a host it is being written at this moment, or a power cut emptied it.
  const deadMs = owner.host === undefined ? UNWRITTEN_MS : DEAD_MS
  return touched && Date.now() - touched.mtimeMs < deadMs ? owner : undefined
}

/** The living processes, but for one claim's, that write to a path. */
export async function holders(path: string, exceptId?: string): Promise<Partial<Owner>[]> {
  const found: Partial<Owner>[] = []
  for (const [id, kinds] of await listBeside(path)) {
    if (id === exceptId || !kinds.has('lock')) continue
    const holder = await holderOf(besidePath(path, id, 'lock'))
    if (holder) found.push(holder)
  }
  return found
}

/** Whether nobody who lives holds an id: what has it in its name is litter. */
export const isDead = async (path: string, id: string): Promise<boolean> =>
  (await holderOf(besidePath(path, id, 'lock'))) === undefined

const held = new Set<string>()

function removeHeld(): void {
  for (const lock of held) {
    try {
      unlinkSync(lock)
    } catch {
      // It is a dead process' in a moment.
    }
  }
}

/**
 * Says that this process writes to a path, as others may too. The folder above it has to be there.
 * @throws what the system says where that folder cannot be written to
 */
export async function claim(path: string): Promise<Claim> {
  const id = randomUUID()
  const lock = besidePath(path, id, 'lock')
  await writeFile(lock, JSON.stringify(await thisProcess()), { flag: 'wx', flush: true })
  if (held.size === 0) process.once('exit', removeHeld)
  held.add(lock)
  const touch = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => undefined), TOUCH_MS)
  touch.unref()
  return {
    id,
    async release() {
      clearInterval(touch)
      held.delete(lock)
      if (held.size === 0) process.off('exit', removeHeld)
      await rm(lock, { force: true }).catch(() => undefined)
    },
  }
}

/** Two that start at once both see each other and step back; each tries again after another while. */
const TRIES = 5

/**
 * Claims a path for this process alone.
 * @param name as the user wrote the path
 * @throws GraftError `file-locked` where another process, or another part of this one, writes to it
 */
export async function claimAlone(path: string, name: string): Promise<Claim> {
  for (let attempt = 1; ; attempt++) {
    const mine = await claim(path)
    const [holder] = await holders(path, mine.id).catch(async (error: unknown) => {
      await mine.release()
      throw error
    })
    if (!holder) return mine
    await mine.release()
    if (attempt === TRIES) throw locked(name, holder)
    await sleep(10 + 60 * Math.random())
  }
}

function locked(name: string, { pid, host }: Partial<Owner>): GraftError {
  const where = host === hostname() || host === undefined ? '' : ` on ${host}`
  return new GraftError('file-locked', `${name} is being written by process ${pid ?? 'unknown'}${where}`, {
    hint: 'Wait until it has ended, or choose another name.',
    file: name,
    value: pid,
  })
}
