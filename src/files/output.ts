/** An output folder: all that can be checked is checked before the work, and after it the folder appears whole or not at all. */
import { lstat, mkdir, readdir, rename, rm, rmdir, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GraftError } from '../core/errors.ts'
import { type Claim, besidePath, claimAlone } from './claim.ts'
import { syncParent, syncTree } from './durable.ts'
import { mergeFolder, refuseChanged } from './merge-folder.ts'
import { realPath, refuseHomes, refuseInputs, refuseWorkplaces, withoutSlashes } from './place.ts'
import { readError } from './read.ts'
import { type OutputKind, foreignFiles, readRecord, writeRecord } from './record.ts'
import { recover } from './recover.ts'
import { isSystemError } from './system-error.ts'
import { writeError } from './write-error.ts'

export interface OutputOptions {
  /** What is written: a folder of another kind is not replaced. */
  kind: OutputKind
  /** Replace what Graft wrote there earlier. */
  force?: boolean | undefined
  /** Files and folders that the command reads. */
  inputs?: readonly (string | undefined)[]
  /** Leave files that Graft did not write where they are, and replace its own one by one. */
  keepsOthers?: boolean
  /** Go on in a folder that Graft wrote. */
  goesOn?: boolean | undefined
}

export interface OutputFolder {
  /** As the user named it, without slashes at its end. */
  readonly path: string
  /** Where it is, links followed. */
  readonly target: string
  /**
   * Refuses at once what would not fit at the end.
   * @param bytes that will be written at least
   * @throws GraftError `file-write`
   */
  requireSpace(bytes: number): Promise<void>
  /**
   * Writes the folder: `fill` writes into a temporary one beside it, which is brought to the disk and then gets the name.
   * On failure nothing is left of it, and an older folder is untouched.
   * @param fill gets the temporary folder; what it returns is returned
   * @param outputs paths in it at which outputs of their own will be written later
   * @throws GraftError `file-exists`, `file-write`, and what `fill` throws
   */
  publish<T>(fill: (folder: string) => Promise<T>, outputs?: string[]): Promise<T>
  /**
   * Removes what is there.
   * @throws GraftError `file-write`
   */
  remove(): Promise<void>
  /** Lets others write there. */
  close(): Promise<void>
}

/** Where something is written: a path, or a folder that was opened before the work. */
export type Output = string | OutputFolder

/**
 * Opens an output folder for this process alone, before the work.
 * @throws GraftError `file-exists` for a folder that is not replaced: one that holds anything that Graft did not write, or an input,
 *   or without `force`; `file-locked` where another process writes to it; `file-write` where nothing can be written; `usage`
 * @example
 * const output = await openOutput('runs/adapter', { kind: 'model', force: true, inputs: ['runs/base'] })
 * try {
 *   await output.publish((folder) => writeFile(join(folder, 'config.json'), '{}'))
 * } finally {
 *   await output.close()
 * }
 */
export async function openOutput(path: string, options: OutputOptions): Promise<OutputFolder> {
  const name = withoutSlashes(path)
  const failed = (error: unknown) => {
    throw writeError(error, name)
  }
  const target = await realPath(path).catch(failed)
  // Before anything is made beside it, for `/` and the like; and after, when an interrupted swap is ended.
  await refuseOutput(target, name, options).catch(failed)
  const made = await mkdir(dirname(target), { recursive: true }).catch(failed)
  let claim: Claim | undefined
  const close = async () => {
    await claim?.release()
    if (made !== undefined) await removeEmpty(dirname(target), made)
  }
  try {
    claim = await claimAlone(target, name)
    await recover(target, claim.id)
    await refuseOutput(target, name, options)
  } catch (error) {
    await close()
    throw writeError(error, name)
  }
  return createFolder({ name, target, id: claim.id, close, options })
}

/** Opens, and closes whatever happens; a folder that is open already is used as it is. */
export async function withOutput<T>(
  output: Output,
  options: OutputOptions,
  use: (output: OutputFolder) => Promise<T>,
): Promise<T> {
  if (typeof output !== 'string') return use(output)
  const opened = await openOutput(output, options)
  try {
    return await use(opened)
  } finally {
    await opened.close()
  }
}

/** An output's path as the user named it. */
export const outputPath = (output: Output): string =>
  typeof output === 'string' ? withoutSlashes(output) : output.path

/** What every function takes that writes an output folder. */
export type WriteOptions = Pick<OutputOptions, 'force' | 'inputs'>

export interface WriteOptionsWithExtras extends WriteOptions {
  /** Contents of further files by name, such as a report. */
  extraFiles?: Record<string, string | Uint8Array>
}

/**
 * Writes a folder: opens it where it is not open yet, and publishes what `fill` writes into a temporary one.
 * @returns what `fill` returns
 * @throws what `openOutput` and `publish` throw
 */
export const writeOutputFolder = <T>(
  output: Output,
  options: OutputOptions,
  fill: (folder: string) => Promise<T>,
): Promise<T> => withOutput(output, options, (opened) => opened.publish(fill))

interface Parts {
  name: string
  target: string
  id: string
  close(): Promise<void>
  options: OutputOptions
}

function createFolder({ name, target, id, close, options }: Parts): OutputFolder {
  const temporary = besidePath(target, id, 'tmp')
  return {
    path: name,
    target,
    async requireSpace(bytes) {
      const { bavail, bsize } = await statfs(dirname(target)).catch(() => ({ bavail: Infinity, bsize: 1 }))
      if (bavail * bsize >= bytes) return
      throw new GraftError(
        'file-write',
        `cannot write ${name}: it takes ${size(bytes)}, and the disk has ${size(bavail * bsize)} left`,
        {
          hint: 'Free some space on the disk, or write to another one.',
          file: name,
          value: bavail * bsize,
        },
      )
    },
    async publish(fill, outputs) {
      try {
        await mkdir(temporary, { recursive: true })
        const result = await fill(temporary)
        await writeRecord(temporary, options.kind, outputs)
        await syncTree(temporary)
        // Hours may have passed.
        await refuseOutput(target, name, options)
        if (options.keepsOthers && (await entryOf(target))) await mergeFolder(temporary, target, options.kind, name)
        else await swap(temporary, target, besidePath(target, id, 'old'))
        return result
      } catch (error) {
        throw asFailure(error, name, temporary)
      } finally {
        // Failing at this too must not hide the first reason.
        await rm(temporary, { recursive: true, force: true }).catch(() => undefined)
      }
    },
    async remove() {
      try {
        await refuseOutput(target, name, options)
        if (!(await entryOf(target))) return
        await rename(target, temporary)
        await syncParent(target)
        await rm(temporary, { recursive: true, force: true })
      } catch (error) {
        throw writeError(error, name)
      }
    },
    close,
  }
}

const size = (bytes: number) => (bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`)

const entryOf = (path: string) =>
  lstat(path).catch((error: unknown) => {
    if (isSystemError(error) && error.code === 'ENOENT') return undefined
    throw error
  })

/** What `fill` reads may fail too, and is named as what it is. */
function asFailure(error: unknown, name: string, temporary: string): unknown {
  const isOther = isSystemError(error) && error.path !== undefined && !error.path.startsWith(temporary)
  const isReading = isOther && error.syscall !== 'rename' && error.syscall !== 'mkdir'
  return isReading && error.path !== undefined && !error.path.startsWith(dirname(temporary))
    ? readError(error, error.path)
    : writeError(error, name)
}

/** Removes the folders that were made for an output which did not come. */
async function removeEmpty(folder: string, upTo: string): Promise<void> {
  try {
    await rmdir(folder)
    if (folder !== upTo) await removeEmpty(dirname(folder), upTo)
  } catch {
    // Something is in it.
  }
}

/** The most names in an error. */
const SHOWN = 5

/** @throws GraftError `file-exists` for what is there and must stay */
async function refuseOutput(target: string, path: string, options: OutputOptions): Promise<void> {
  const entry = await entryOf(target)
  if (entry === undefined) return
  if (!entry.isDirectory()) {
    throw new GraftError('file-exists', `${path} exists already`, {
      hint: 'It is not a folder: choose another name.',
      file: path,
    })
  }
  const inputs = (options.inputs ?? []).filter((input) => input !== undefined)
  await refuseInputs(target, path, inputs)
  await refuseHomes(target, path)
  const isEmpty = (await readdir(target)).length === 0
  if (options.keepsOthers) {
    if (!isEmpty && !options.force) throw existsError(path)
    return refuseChanged(target, path)
  }
  await refuseWorkplaces(target, path)
  if (isEmpty) return
  const record = await readRecord(target)
  if (record && record.kind !== options.kind) throw otherKind(path, record.kind, options.kind)
  if (options.goesOn && !options.force) return
  // What has no record may be anything: it is not looked through.
  const foreign = record ? await foreignFiles(target, record) : (await readdir(target)).toSorted()
  if (foreign.length > 0) throw foreignError(path, foreign, record !== undefined)
  if (!options.force) throw existsError(path)
}

const otherKind = (path: string, found: string, kind: OutputKind) =>
  new GraftError('file-exists', `${path} exists already and holds a ${found}, not a ${kind}: it is not replaced`, {
    hint: 'Choose another name, or remove the folder yourself.',
    file: path,
  })

const existsError = (path: string) =>
  new GraftError('file-exists', `${path} exists already`, {
    hint: 'Choose another name, or replace it with --force.',
    file: path,
  })

function foreignError(path: string, foreign: readonly string[], hasRecord: boolean): GraftError {
  const more = foreign.length > SHOWN ? `, and ${foreign.length - SHOWN} more` : ''
  const what = hasRecord ? 'files that were added or changed since Graft wrote it' : 'files that Graft did not write'
  return new GraftError(
    'file-exists',
    `${path} exists already, and holds ${what} (${foreign.slice(0, SHOWN).join(', ')}${more}): it is not replaced`,
    { hint: 'Choose another folder, or move those files away yourself.', file: path, value: foreign.slice(0, 100) },
  )
}

/** Puts `temporary` in the place of `target`. Cut between the two renames, `recover` ends it. */
async function swap(temporary: string, target: string, old: string): Promise<void> {
  if (await entryOf(target)) {
    await rename(target, old)
    await syncParent(target)
  }
  try {
    await rename(temporary, target)
  } catch (error) {
    if (await entryOf(old)) await rename(old, target)
    throw error
  }
  await syncParent(target)
  await rm(old, { recursive: true, force: true })
}
