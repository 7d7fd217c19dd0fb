/** Brings files and folders to the disk itself, so that they are whole after a power cut. */
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isSystemError } from './system-error.ts'

/** What systems answer that cannot sync a folder (Windows, some network disks): there is nothing to be done there. */
const cannotSync = new Set(['EINVAL', 'EISDIR', 'EPERM', 'EACCES', 'ENOTSUP', 'EBADF'])

async function syncPath(path: string, flags: string): Promise<void> {
  const handle: FileHandle = await open(path, flags)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes the names in a folder last. */
export async function syncFolder(path: string): Promise<void> {
  await syncPath(path, 'r').catch((error: unknown) => {
    if (!isSystemError(error) || !cannotSync.has(error.code)) throw error
  })
}

/** Makes a new, renamed or removed name last. */
export const syncParent = (path: string): Promise<void> => syncFolder(dirname(path))

/** Makes all files below a folder last, and their names. */
export async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await syncTree(path)
    else if (entry.isFile()) await syncPath(path, 'r+')
  }
  await syncFolder(folder)
}
