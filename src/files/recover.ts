/** Ends what a process that died, or a power cut, left half done beside an output folder. */
import { lstat, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GraftError } from '../core/errors.ts'
import { besidePath, holders, isDead, listBeside } from './claim.ts'
import { syncParent } from './durable.ts'
import { realPath } from './place.ts'
import { isSystemError, reasonOf } from './system-error.ts'

const exists = (path: string) =>
  lstat(path).then(
    () => true,
    () => false,
  )

/**
 * Ends a swap that was cut between its two steps: the new folder, which is on the disk whole by then, gets the name, else the old one.
 * To be called by who knows that nobody else is at it.
 */
async function endSwap(target: string): Promise<void> {
  for (const [id, kinds] of await listBeside(target)) {
    if (!kinds.has('old') || (await exists(target))) continue
    await rename(besidePath(target, id, kinds.has('tmp') ? 'tmp' : 'old'), target)
    await syncParent(target)
  }
}

/**
 * Ends an interrupted swap, and removes what dead processes left; never a living one's. The caller holds the claim `id`, and alone where
 * the path is a folder's.
 */
export async function recover(target: string, id: string): Promise<void> {
  await endSwap(target)
  for (const [other, kinds] of await listBeside(target)) {
    if (other === id || !(await isDead(target, other))) continue
    // The lock last: without it nobody would know whose the rest was.
    for (const kind of ['tmp', 'old', 'lock'] as const) {
      if (kinds.has(kind)) await rm(besidePath(target, other, kind), { recursive: true, force: true })
    }
  }
}

/** A swap takes a moment; a reader looks again so often. */
const [LOOKS, LOOK_MS] = [100, 20]

/**
 * For a reader that finds nothing under a folder's name: waits for a swap that is under way, and ends one that was interrupted.
 * @returns whether there is something now
 * @throws GraftError `file-read` where it cannot be ended, saying where the folder is
 */
export async function recoverForReading(path: string): Promise<boolean> {
  const target = await realPath(path).catch(() => undefined)
  if (target === undefined) return false
  // It may have come between the reader's look and this one.
  if (await exists(target)) return true
  const isSwapped = async () => [...(await listBeside(target)).values()].some((kinds) => kinds.has('old'))
  for (let look = 0; look < LOOKS && (await isSwapped()); look++) {
    if ((await holders(target)).length > 0) await sleep(LOOK_MS)
    else await endSwap(target).catch((error: unknown) => refuseUnended(error, path))
    if (await exists(target)) return true
  }
  return exists(target)
}

function refuseUnended(error: unknown, path: string): void {
  // Another reader was faster.
  if (!isSystemError(error) || error.code === 'ENOENT') return
  throw new GraftError('file-read', `${path} was being replaced when that was interrupted: ${reasonOf(error)}`, {
    hint: `It lies in ${dirname(path)} as a hidden folder (.NAME.….tmp is the new one, .old the old one): rename it.`,
    file: path,
    cause: error,
  })
}
