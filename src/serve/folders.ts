/** Adapter folders on a server's disk: read within limits, as they were written, and never from outside of the adapter directory. */
import { realpath, stat } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import type { AdapterFiles } from '../core/adapter.ts'
import { GraftError } from '../core/errors.ts'
import { sha256 } from '../files/hash.ts'
import { readBytes, readError } from '../files/read.ts'
import { type FilesRecord, readRecord, RECORD } from '../files/record.ts'
import { MAX_JSON_BYTES, MAX_WEIGHTS_BYTES, parseAdapterJson } from './adapter-files.ts'

export interface AdapterFolder {
  folder: string
  /** Directory that no link in the folder may lead out of; a bundle's own adapters have none. */
  within?: string | undefined
  /** Whether to check the files by the hashes that were recorded when Graft wrote them; a bundle's own adapters were checked. */
  verify?: boolean | undefined
}

const hint = 'An adapter folder is what `graft train --method lora` writes: give that folder.'

/**
 * @throws GraftError `file-not-found`, `file-read`, `file-format`, `adapter` for a file that is too large, or not the one that Graft wrote,
 *   `usage` for a link that leads out
 */
export async function readAdapterFiles({ folder, within, verify = false }: AdapterFolder): Promise<AdapterFiles> {
  async function read(name: string, maxBytes: number): Promise<Uint8Array> {
    const path = within === undefined ? join(folder, name) : await pathWithin(within, join(folder, name))
    await checkFile(path, maxBytes)
    const bytes = await readBytes(path, hint)
    const known = hashes?.[name]
    if (known !== undefined && ![known].flat().includes(sha256(bytes))) throw changed(join(folder, name))
    return bytes
  }
  const hashes = verify ? await recordedHashes(folder) : undefined
  async function readJson(name: string): Promise<unknown> {
    const { value, problem } = parseAdapterJson(await read(name, MAX_JSON_BYTES))
    if (problem === undefined) return value
    const file = join(folder, name)
    throw new GraftError('file-format', `${file} ${problem.message}`, { hint, file })
  }
  return {
    'adapter_config.json': await readJson('adapter_config.json'),
    'adapter_model.safetensors': await read('adapter_model.safetensors', MAX_WEIGHTS_BYTES),
    'graft.json': await readJson('graft.json'),
  }
}

/** None where the folder comes from elsewhere. */
async function recordedHashes(folder: string): Promise<FilesRecord['files'] | undefined> {
  const status = await stat(join(folder, RECORD)).catch(() => undefined)
  return status?.isFile() && status.size <= MAX_JSON_BYTES ? (await readRecord(folder))?.files : undefined
}

const changed = (file: string) =>
  new GraftError('adapter', `${file} is damaged or was changed: it is not the file that Graft wrote`, {
    hint: `Copy the whole folder again, ${RECORD} too; or remove ${RECORD} if the change is wanted.`,
    file,
  })

const asReadError = (path: string) => (error: unknown) => {
  throw readError(error, path, hint)
}

/** Before it is read: a pipe would never end, and a huge file would fill the memory. */
async function checkFile(path: string, maxBytes: number): Promise<void> {
  const status = await stat(path).catch(asReadError(path))
  if (status.isFile() && status.size <= maxBytes) return
  const problem = status.isFile() ? `has ${status.size} bytes, and the limit is ${maxBytes}` : 'is not a file'
  throw new GraftError('adapter', `${path} ${problem}`, { hint, file: path })
}

const isInside = (root: string, path: string) => path.startsWith(root + sep)

/** The real path of something whose links do not lead out of a directory. */
async function pathWithin(root: string, path: string): Promise<string> {
  const real = await realpath(path).catch(asReadError(path))
  if (isInside(await realpath(root).catch(asReadError(root)), real)) return real
  throw outside(path)
}

const outside = (path: string) =>
  new GraftError('usage', `${JSON.stringify(path)} is not inside the adapter directory`, {
    hint: 'Give the path of a folder relative to the adapter directory, without links that lead out of it.',
    value: path,
  })

/**
 * A folder inside the adapter directory, links followed.
 * @throws GraftError `usage` for one outside of it, `file-not-found`
 */
export async function folderInside(
  adapterDir: string | undefined,
  folder: string,
  verify = true,
): Promise<AdapterFolder> {
  if (adapterDir === undefined) {
    throw new GraftError('usage', 'the server has no adapter directory', {
      hint: 'Start it with an adapter directory, or upload the files of the adapter.',
    })
  }
  // Before the disk is asked, so that answers tell nothing about other folders.
  const path = resolve(adapterDir, folder)
  if (folder.includes('\0') || !isInside(resolve(adapterDir), path)) throw outside(folder)
  await pathWithin(adapterDir, path)
  return { folder: path, within: adapterDir, verify }
}
