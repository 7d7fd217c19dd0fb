/** An adapter folder: PEFT's two files and `graft.json`. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Adapter, parseAdapter, serializeAdapter } from '../core/adapter.ts'
import { writeFolderAtomic, type WriteFolderWithExtrasOptions } from './atomic.ts'
import { readBytes, readJson } from './read.ts'

const makeAdapter = 'An adapter folder is what `graft train --method lora` writes: give that folder.'

/**
 * Reads an adapter. `checkAdapter` says whether it fits a base.
 * @throws GraftError `file-not-found`, `file-format`, `adapter`, `safetensors`
 */
export async function readAdapter(dir: string): Promise<Adapter> {
  const files = {
    'adapter_config.json': await readJson(join(dir, 'adapter_config.json'), makeAdapter),
    'adapter_model.safetensors': await readBytes(join(dir, 'adapter_model.safetensors'), makeAdapter),
    'graft.json': await readJson(join(dir, 'graft.json'), makeAdapter),
  }
  return parseAdapter(files, dir)
}

/**
 * Writes an adapter folder, whole or not at all.
 * @throws GraftError `file-exists`, `file-write`
 */
export async function writeAdapter(
  dir: string,
  adapter: Adapter,
  { force, extraFiles = {} }: WriteFolderWithExtrasOptions = {},
): Promise<void> {
  await writeFolderAtomic(dir, { force }, async (temporaryDir) => {
    for (const [name, content] of Object.entries({ ...extraFiles, ...serializeAdapter(adapter) })) {
      await writeFile(join(temporaryDir, name), content)
    }
  })
}
