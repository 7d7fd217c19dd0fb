/** Where an output goes: its path without links, and the places that are never written over. */
import { lstat, readFile, readdir, realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join, parse, resolve, sep } from 'node:path'
import { GraftError } from '../core/errors.ts'
import { isSystemError } from './system-error.ts'

const isThere = (error: unknown) => !(isSystemError(error) && error.code === 'ENOENT')

/** A path as the user wrote it, without the slashes at its end. */
export function withoutSlashes(path: string): string {
  const { root } = parse(path)
  let end = path.length
  while (end > root.length && (path[end - 1] === '/' || path[end - 1] === sep)) end--
  return path.slice(0, end)
}

/**
 * The path with symbolic links followed, so that a link stays and what it points to is replaced; of a path that is not there yet,
 * as far as it is.
 * @throws GraftError `file-write` for a link to nothing, and what the system says
 */
export async function realPath(path: string): Promise<string> {
  const name = withoutSlashes(path)
  if (name.trim() === '') {
    throw new GraftError('usage', 'the path to write to is empty', {
      hint: 'Give the name of a file or folder.',
      value: path,
    })
  }
  try {
    return await realpath(name)
  } catch (error) {
    if (isThere(error)) throw error
    const entry = await lstat(name).catch(() => undefined)
    if (entry?.isSymbolicLink()) {
      throw new GraftError('file-write', `${name} is a symbolic link to something that is not there`, {
        hint: 'Remove the link, or make what it points to.',
        file: name,
      })
    }
    const parent = dirname(name)
    // Not `join` of the names alone: `..` after a link is above what it points to.
    return parent === name ? resolve(name) : join(await realPath(parent), basename(name))
  }
}

/** A path's folder and those above it, by what the disk calls them: names may differ by case or by a link. */
async function identities(path: string): Promise<string[]> {
  const found: string[] = []
  for (let at = path; ; at = dirname(at)) {
    const entry = await stat(at, { bigint: true }).catch(() => undefined)
    if (entry) found.push(`${entry.dev} ${entry.ino}`)
    if (dirname(at) === at) return found
  }
}

/** Whether `path` is `folder` or lies in it. */
async function isWithin(path: string, folder: string): Promise<boolean> {
  const [id] = await identities(folder)
  const entry = await stat(folder).catch(() => undefined)
  return entry !== undefined && id !== undefined && (await identities(path)).includes(id)
}

const refuse = (path: string, what: string, hint: string) =>
  new GraftError('file-exists', `${path} ${what}: it is not replaced`, { hint, file: path })

/**
 * Refuses to replace what a command reads.
 * @param target real path of something that is there
 * @throws GraftError `file-exists` for one that is or holds an input, or is in it
 */
export async function refuseInputs(target: string, path: string, inputs: readonly string[]): Promise<void> {
  for (const input of inputs) {
    const real = await realpath(input).catch(() => undefined)
    if (real === undefined) continue
    const isSame = (await isWithin(real, target)) && (await isWithin(target, real))
    if (isSame) throw refuse(path, 'is what this command reads', 'Choose another name for the output.')
    if (await isWithin(real, target)) {
      throw refuse(path, `holds ${input}, which this command reads`, 'Choose another folder for the output.')
    }
    if (await isWithin(target, real)) {
      throw refuse(path, `is part of ${input}, which this command reads`, 'Choose another folder for the output.')
    }
  }
}

const repositories = ['.git', '.hg', '.svn', '.jj']

const hint = 'Give the output a folder of its own, such as ./output.'

/** The folder of a mounted disk cannot be renamed. Its path in the system's list has spaces and the like as octal numbers. */
async function isMounted(target: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  const plain = (path = '') =>
    path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
  return mounts.split('\n').some((line) => plain(line.split(' ')[4]) === target)
}

/**
 * Refuses folders that are never an output's, whatever they hold.
 * @param target real path of a folder that is there
 * @throws GraftError `file-exists`
 */
export async function refuseHomes(target: string, path: string): Promise<void> {
  if (parse(target).root === target) throw refuse(path, 'is the root of the disk', hint)
  if (await isMounted(target)) throw refuse(path, 'is where a disk is mounted', 'Give the output a folder in it.')
  if (await isWithin(homedir(), target)) throw refuse(path, 'is your home folder, or holds it', hint)
}

/**
 * Refuses folders that others work in, which are never replaced whole.
 * @throws GraftError `file-exists`
 */
export async function refuseWorkplaces(target: string, path: string): Promise<void> {
  if (await isWithin(resolve(), target)) throw refuse(path, 'is the folder you are in, or holds it', hint)
  const names = await readdir(target)
  const repository = repositories.find((name) => names.includes(name))
  if (repository !== undefined) throw refuse(path, `is a repository (it holds ${repository})`, hint)
}
