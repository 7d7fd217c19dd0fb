/** Writes files and folders all or nothing: to a temporary name beside the target, then renamed. */
import { randomUUID } from 'node:crypto'
import { lstat, mkdir, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { GraftError } from '../core/errors.ts'
import { isSystemError, reasonOf } from './system-error.ts'

export interface WriteFolderOptions {
  /** Replace a folder that is there already. */
  force?: boolean
}

export interface WriteFolderWithExtrasOptions extends WriteFolderOptions {
  /** Contents of further files by name, such as a report. */
  extraFiles?: Record<string, string | Uint8Array>
}

const writeHints: Record<string, string> = {
  ENOSPC: 'Free some space on the disk, or write to another one.',
  EDQUOT: 'Free some of your disk quota, or write to another disk.',
  EROFS: 'Choose an output path on a disk that can be written to.',
}

/** System errors become GraftErrors that name the target; others are what `fill` threw, and stay as they are. */
function asWriteError(error: unknown, path: string): unknown {
  if (!isSystemError(error)) return error
  return new GraftError('file-write', `cannot write ${path}: ${reasonOf(error)}`, {
    hint: writeHints[error.code] ?? 'Choose an output path that you can write to.',
    file: path,
    cause: error,
  })
}

/** The path with symbolic links followed, so that a link stays and what it points to is replaced. */
const followLinks = (path: string) => realpath(path).catch(() => resolve(path))

const temporaryName = (path: string) => join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`)

/** Cleans up after a failure; failing at that too must not hide the first reason. */
const remove = (path: string) => rm(path, { recursive: true, force: true }).catch(() => undefined)

/** Renaming over a device or a pipe would remove it. */
async function refuseSpecialFile(target: string, path: string): Promise<void> {
  const entry = await stat(target).catch(() => undefined)
  if (entry === undefined || entry.isFile()) return
  throw new GraftError('file-write', `cannot write ${path}: it is ${entry.isDirectory() ? 'a folder' : 'not a file'}`, {
    hint: 'Give the path of an ordinary file.',
    file: path,
  })
}

/**
 * Writes a file, replacing an older one whole; texts of an iterable one after the other. Folders above it are made where missing.
 * On failure the older file is untouched and nothing else is left.
 * @throws GraftError `file-write`, naming the path and the reason
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array | AsyncIterable<string>): Promise<void> {
  const target = await followLinks(path)
  await refuseSpecialFile(target, path)
  const temporary = temporaryName(target)
  try {
    await mkdir(dirname(target), { recursive: true })
    // Flushed, or a power cut could leave the new name on an empty file.
    await writeFile(temporary, data, { flush: true })
    await rename(temporary, target)
  } catch (error) {
    await remove(temporary)
    throw asWriteError(error, path)
  }
}

async function refuseExisting(target: string, path: string, force: boolean): Promise<boolean> {
  const entry = await lstat(target).catch(() => undefined)
  if (entry === undefined) return false
  if (entry.isDirectory() && force) return true
  throw new GraftError('file-exists', `${path} exists already`, {
    hint: entry.isDirectory()
      ? 'Choose another name, or replace it with --force.'
      : 'It is not a folder: choose another name.',
    file: path,
  })
}

/** `--force` must not wipe out a home folder given by mistake: the old folder has to look like the new one. */
async function refuseForeign(target: string, temporary: string, path: string): Promise<void> {
  const [old, fresh] = await Promise.all([readdir(target), readdir(temporary)])
  if (old.length === 0 || old.some((name) => fresh.includes(name))) return
  throw new GraftError('file-exists', `${path} holds other files (${old.slice(0, 3).join(', ')}): it is not replaced`, {
    hint: `Choose another folder, or remove it yourself. Files to write: ${fresh.join(', ')}.`,
    file: path,
  })
}

/** Puts `temporary` in the place of `target`; the old folder comes back if that fails. */
async function swap(temporary: string, target: string): Promise<void> {
  const old = temporaryName(target)
  await rename(target, old)
  try {
    await rename(temporary, target)
  } catch (error) {
    await rename(old, target)
    throw error
  }
  await rm(old, { recursive: true })
}

/**
 * Writes a folder: `fill` writes into a temporary folder beside it, which gets the name when all is done.
 * Folders above it are made where missing. On failure nothing is left, and an older folder is untouched.
 * @param fill gets the temporary folder; what it returns is returned
 * @throws GraftError `file-exists` for a folder that is there already, unless `force`; with it, one that shares no name with
 *   the new contents; `file-write`, naming the path and the reason
 */
export async function writeFolderAtomic<T>(
  path: string,
  { force = false }: WriteFolderOptions,
  fill: (temporaryDir: string) => Promise<T>,
): Promise<T> {
  const target = await followLinks(path)
  const replaces = await refuseExisting(target, path, force)
  const temporary = temporaryName(target)
  try {
    await mkdir(temporary, { recursive: true })
    const result = await fill(temporary)
    if (replaces) {
      await refuseForeign(target, temporary, path)
      await swap(temporary, target)
    } else await rename(temporary, target)
    return result
  } catch (error) {
    await remove(temporary)
    throw asWriteError(error, path)
  }
}
