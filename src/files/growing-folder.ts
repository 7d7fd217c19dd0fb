/** A folder that grows while the work goes on, such as a sweep's: its own files are written one by one, and known as ours all the time. */
import { join } from 'node:path'
import { writeFileAtomic } from './atomic.ts'
import { sha256 } from './hash.ts'
import type { OutputFolder } from './output.ts'
import { type FilesRecord, type OutputKind, RECORD, readRecord, serializeRecord } from './record.ts'

export interface GrowingFolder {
  /**
   * Writes a file of the folder, replacing an older one whole.
   * @throws GraftError `file-write`
   */
  writeFile(name: string, text: string): Promise<void>
}

export interface GrowingOptions {
  kind: OutputKind
  /** Paths in the folder at which outputs of their own will be written. */
  outputs: string[]
  /** Go on in the folder that is there, instead of beginning with an empty one. */
  goesOn: boolean
}

/**
 * Begins a folder that grows, or goes on with one.
 * @throws what `publish` throws
 */
export async function growFolder(
  output: OutputFolder,
  { kind, outputs, goesOn }: GrowingOptions,
): Promise<GrowingFolder> {
  const path = (name: string) => join(output.target, name)
  const writeRecord = (record: FilesRecord) => writeFileAtomic(path(RECORD), serializeRecord(record))
  if (!goesOn) await output.publish(async () => undefined, outputs)
  const record: FilesRecord = (await readRecord(output.target)) ?? { formatVersion: 1, kind, files: {} }
  record.outputs = [...new Set([...(record.outputs ?? []), ...outputs])]
  if (goesOn) await writeRecord(record)
  return {
    async writeFile(name, text) {
      const hash = sha256(text)
      // Whenever this is cut, the file is known as ours.
      record.files[name] = [record.files[name] ?? [], hash].flat()
      await writeRecord(record)
      await writeFileAtomic(path(name), text)
      record.files[name] = hash
      await writeRecord(record)
    },
  }
}
