/** Uploaded adapters on the disk: each in a folder of its own in the adapter directory, which one server alone writes to. */
import { access, constants, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AdapterFiles } from '../core/adapter.ts'
import { claimAlone } from '../files/claim.ts'
import { openOutput, writeOutputFolder } from '../files/output.ts'
import { withoutSlashes } from '../files/place.ts'
import { readError } from '../files/read.ts'
import { readRecord } from '../files/record.ts'
import { recoverForReading } from '../files/recover.ts'
import type { AdapterFolder } from './folders.ts'

export interface Uploads {
  /**
   * Writes an uploaded adapter, replacing an earlier upload of its name; it is on the disk when this is done.
   * @returns its folder
   * @throws GraftError `file-exists` for a folder that no upload made, `file-locked`, `file-write`
   */
  keep(name: string, files: AdapterFiles): Promise<AdapterFolder>
  /** Removes an upload's folder; one that no upload made, or that was changed since, stays. */
  forget(name: string): Promise<void>
  /** Lets another server write there. */
  close(): Promise<void>
}

const upload = { kind: 'upload', force: true } as const

/**
 * Opens the adapter directory for this server alone, and ends what was interrupted there.
 * @returns undefined where nothing can be written: then several servers may read it
 * @throws GraftError `file-locked` where another server uses it, `file-not-found`, `file-read`
 */
export async function openUploads(path: string): Promise<Uploads | undefined> {
  const dir = withoutSlashes(path)
  const names = await readdir(dir).catch((error: unknown) => {
    throw readError(error, dir)
  })
  const isWritable = await access(dir, constants.W_OK).then(
    () => true,
    () => false,
  )
  if (!isWritable) return undefined
  const claim = await claimAlone(join(dir, 'serve'), dir)
  for (const name of names) {
    const [, swapped] = /^\.(.+)\.[0-9a-f-]{36}\.old$/.exec(name) ?? []
    if (swapped !== undefined) await recoverForReading(join(dir, swapped))
  }
  return {
    async keep(name, files) {
      const folder = join(dir, name)
      await writeOutputFolder(folder, upload, async (temporary) => {
        const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`
        await writeFile(join(temporary, 'adapter_config.json'), json(files['adapter_config.json']))
        await writeFile(join(temporary, 'adapter_model.safetensors'), files['adapter_model.safetensors'])
        await writeFile(join(temporary, 'graft.json'), json(files['graft.json']))
      })
      return { folder, within: dir, verify: true }
    },
    async forget(name) {
      const folder = join(dir, name)
      if ((await readRecord(folder))?.kind !== upload.kind) return
      const output = await openOutput(folder, upload).catch(() => undefined)
      await output?.remove().finally(output.close)
    },
    close: () => claim.release(),
  }
}
