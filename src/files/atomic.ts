/** Writes files all or nothing: to a temporary name beside the target, brought to the disk, then renamed. */
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GraftError } from '../core/errors.ts'
import { type Claim, besidePath, claim } from './claim.ts'
import { syncParent } from './durable.ts'
import { realPath } from './place.ts'
import { recover } from './recover.ts'
import { writeError } from './write-error.ts'

/** Renaming over a device or a pipe would remove it. */
async function refuseSpecialFile(target: string, path: string): Promise<void> {
  const entry = await stat(target).catch(() => undefined)
  if (entry === undefined || entry.isFile()) return
  throw new GraftError('file-write', `cannot write ${path}: it is ${entry.isDirectory() ? 'a folder' : 'not a file'}`, {
    hint: 'Give the path of an ordinary file.',
    file: path,
  })
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [one, other] = [await stat(a).catch(() => undefined), await stat(b).catch(() => undefined)]
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino
}

/**
 * Refuses before the work what would fail after it: a folder, a device, a link to nothing, an input of the same command, a place that
 * cannot be written to.
 * @throws GraftError `file-write`, `file-exists`
 */
export async function checkOutputFile(path: string, inputs: readonly (string | undefined)[] = []): Promise<void> {
  for (const input of inputs) {
    if (input === undefined || !(await isSameFile(input, path))) continue
    throw new GraftError('file-exists', `${path} is what this command reads: it is not replaced`, {
      hint: 'Choose another name for the output.',
      file: path,
    })
  }
  const { mine } = await open(path)
  await mine.release()
}

async function open(path: string): Promise<{ target: string; mine: Claim }> {
  try {
    const target = await realPath(path)
    await refuseSpecialFile(target, path)
    await mkdir(dirname(target), { recursive: true })
    return { target, mine: await claim(target) }
  } catch (error) {
    throw writeError(error, path)
  }
}

/**
 * Writes a file, replacing an older one whole; texts of an iterable one after the other. Folders above it are made where missing.
 * On failure the older file is untouched and nothing else is left.
 * @throws GraftError `file-write`, naming the path and the reason
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array | AsyncIterable<string>): Promise<void> {
  const { target, mine } = await open(path)
  const temporary = besidePath(target, mine.id, 'tmp')
  try {
    await recover(target, mine.id)
    // Flushed, or a power cut could leave the new name on an empty file.
    await writeFile(temporary, data, { flush: true })
    await rename(temporary, target)
    await syncParent(target)
  } catch (error) {
    // Failing at this too must not hide the first reason.
    await rm(temporary, { force: true }).catch(() => undefined)
    throw writeError(error, path)
  } finally {
    await mine.release()
  }
}

/** Removes a file that is of no more use, with what dead processes left of it. */
export async function removeFile(path: string): Promise<void> {
  const { target, mine } = await open(path)
  try {
    await recover(target, mine.id)
    await rm(target, { force: true })
    await syncParent(target)
  } catch (error) {
    throw writeError(error, path)
  } finally {
    await mine.release()
  }
}
