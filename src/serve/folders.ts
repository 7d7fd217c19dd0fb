/** Adapter folders on a server's disk. */
import { realpath } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import type { AdapterFiles } from '../core/adapter.ts'
import { GraftError } from '../core/errors.ts'
import { readBytes, readError, readJson } from '../files/read.ts'

const hint = 'An adapter folder is what `graft train --method lora` writes: give that folder.'

/** @throws GraftError `file-not-found`, `file-read`, `file-format` */
export const readAdapterFiles = async (folder: string): Promise<AdapterFiles> => ({
  'adapter_config.json': await readJson(join(folder, 'adapter_config.json'), hint),
  'adapter_model.safetensors': await readBytes(join(folder, 'adapter_model.safetensors'), hint),
  'graft.json': await readJson(join(folder, 'graft.json'), hint),
})

const realPath = (path: string) =>
  realpath(path).catch((error: unknown) => {
    throw readError(error, path)
  })

/**
 * The path of a folder inside the adapter directory, links followed.
 * @throws GraftError `usage` for one outside of it, `file-not-found`
 */
export async function folderInside(adapterDir: string | undefined, folder: string): Promise<string> {
  if (adapterDir === undefined) {
    throw new GraftError('usage', 'the server has no adapter directory', {
      hint: 'Start it with an adapter directory, or upload the files of the adapter.',
    })
  }
  const outside = () =>
    new GraftError('usage', `${JSON.stringify(folder)} is not inside the adapter directory`, {
      hint: 'Give the path of a folder relative to the adapter directory.',
      value: folder,
    })
  const within = (root: string, path: string) => path.startsWith(root + sep)
  // Before the disk is asked, so that answers tell nothing about other folders.
  const path = resolve(adapterDir, folder)
  if (folder.includes('\0') || !within(resolve(adapterDir), path)) throw outside()
  const real = await realPath(path)
  if (!within(await realPath(adapterDir), real)) throw outside()
  return real
}
