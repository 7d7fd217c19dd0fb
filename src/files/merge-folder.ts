/** Puts new files into a folder that others write to as well: Graft's own of last time are replaced, the rest stays as it is. */
import { lstat, mkdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GraftError } from '../core/errors.ts'
import { syncFolder } from './durable.ts'
import { sha256File } from './hash.ts'
import { type FilesRecord, type OutputKind, RECORD, readRecord, serializeRecord } from './record.ts'
import { writeFileAtomic } from './atomic.ts'

const entryOf = (path: string) => lstat(path).catch(() => undefined)

/** Paths of the folders above a file: `a`, `a/b` of `a/b/c`. */
const foldersOf = (path: string) =>
  path
    .split('/')
    .slice(0, -1)
    .map((_, at, parts) => parts.slice(0, at + 1).join('/'))

/** Whether a file stands there as it was written last time. */
async function isOwn(target: string, path: string, files: FilesRecord['files']): Promise<boolean> {
  const entry = await entryOf(join(target, path))
  const known = Object.hasOwn(files, path) ? files[path] : undefined
  return !!entry?.isFile() && known !== undefined && [known].flat().includes(await sha256File(join(target, path)))
}

/** @returns paths at which something stands that Graft did not write, or that was changed since */
async function collisions(paths: readonly string[], target: string, files: FilesRecord['files']): Promise<string[]> {
  const found = new Set<string>()
  for (const path of paths) {
    const blocked: string[] = []
    for (const folder of foldersOf(path)) {
      const entry = await entryOf(join(target, folder))
      if (entry && !entry.isDirectory() && !(await isOwn(target, folder, files))) blocked.push(folder)
    }
    if (blocked[0] !== undefined) found.add(blocked[0])
    else if ((await entryOf(join(target, path))) && !(await isOwn(target, path, files))) found.add(path)
  }
  return [...found].toSorted()
}

const collisionError = (name: string, paths: readonly string[]) =>
  new GraftError(
    'file-exists',
    `${name} holds files that Graft did not write, or that were changed since, under names that it writes to (${paths.slice(0, 5).join(', ')}${paths.length > 5 ? ', …' : ''}): nothing is replaced`,
    { hint: 'Move those files away, or choose another folder.', file: name, value: paths },
  )

/**
 * Refuses before the work what was changed since Graft wrote it.
 * @throws GraftError `file-exists`
 */
export async function refuseChanged(target: string, name: string): Promise<void> {
  const files = (await readRecord(target))?.files ?? {}
  const changed = await collisions(Object.keys(files), target, files)
  if (changed.length > 0) throw collisionError(name, changed)
}

/** Pages last: what they load is there before them. */
const inOrder = (paths: readonly string[]) => {
  const isPage = (path: string) => /\.html$|service-worker/.test(path)
  return [...paths.filter((path) => !isPage(path)), ...paths.filter(isPage)]
}

/**
 * Moves all files of a recorded folder into another one.
 * @throws GraftError `file-exists` where something stands in the way, before anything is changed
 */
export async function mergeFolder(from: string, target: string, kind: OutputKind, name: string): Promise<void> {
  const [old, fresh] = [(await readRecord(target))?.files ?? {}, (await readRecord(from))?.files ?? {}]
  const paths = Object.keys(fresh)
  const blocked = await collisions(paths, target, old)
  if (blocked.length > 0) throw collisionError(name, blocked)
  // Whenever this is cut, all of both are known as ours.
  const both: FilesRecord['files'] = { ...old }
  for (const path of paths) both[path] = [both[path] ?? [], fresh[path] ?? []].flat()
  await writeFileAtomic(join(target, RECORD), serializeRecord({ formatVersion: 1, kind, files: both }))
  const gone = Object.keys(old).filter((path) => !(path in fresh))
  const folders = new Set([target, ...[...paths, ...gone].map((path) => dirname(join(target, path)))])
  const inTheWay = gone.filter((path) => paths.some((other) => other.startsWith(`${path}/`)))
  for (const path of inTheWay) if (await isOwn(target, path, old)) await rm(join(target, path))
  for (const path of inOrder(paths)) {
    await mkdir(dirname(join(target, path)), { recursive: true })
    await rename(join(from, path), join(target, path))
  }
  for (const folder of folders) await syncFolder(folder).catch(() => undefined)
  for (const path of gone) {
    if (await isOwn(target, path, old)) await rm(join(target, path))
    for (const folder of foldersOf(path).toReversed()) await rmdir(join(target, folder)).catch(() => undefined)
  }
  await rename(join(from, RECORD), join(target, RECORD))
  await syncFolder(target)
}
