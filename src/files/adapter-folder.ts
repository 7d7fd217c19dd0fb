/** An adapter folder: PEFT's two files and `graft.json`. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Adapter,
  type PeftAdapter,
  parseAdapter,
  parsePeftAdapter,
  serializeAdapter,
  serializePeftAdapter,
} from '../core/adapter.ts'
import { type Output, type WriteOptionsWithExtras, writeOutputFolder } from './output.ts'
import { readBytes, readJson } from './read.ts'
import { recoverForReading } from './recover.ts'

const makeAdapter =
  'An adapter folder is what `graft train --method lora` writes, or `graft import` of an adapter from PEFT: give that folder.'

const importIt =
  'The folder has PEFT’s files only: make an adapter of it with `graft import FOLDER --base BASE --out ADAPTER`, and give that.'

const readPeftFiles = async (dir: string) => ({
  'adapter_config.json': await readJson(join(dir, 'adapter_config.json'), makeAdapter),
  'adapter_model.safetensors': await readBytes(join(dir, 'adapter_model.safetensors'), makeAdapter),
})

/**
 * Reads an adapter. `checkAdapter` says whether it fits a base.
 * @throws GraftError `file-not-found`, `file-format`, `adapter`, `safetensors`
 */
export async function readAdapter(dir: string): Promise<Adapter> {
  const files = await readPeftFiles(dir)
  return parseAdapter({ ...files, 'graft.json': await readJson(join(dir, 'graft.json'), importIt) }, dir)
}

/**
 * Reads an adapter, or only PEFT's part where there is no `graft.json`.
 * @throws GraftError `file-not-found`, `file-format`, `adapter`, `safetensors`
 */
export async function readAnyAdapter(dir: string): Promise<Adapter | PeftAdapter> {
  await recoverForReading(dir)
  return existsSync(join(dir, 'graft.json')) ? readAdapter(dir) : readPeftAdapter(dir)
}

/**
 * Reads the files that PEFT writes; `graft.json` may be lacking.
 * @throws GraftError `file-not-found`, `file-format`, `adapter`, `safetensors`
 */
export const readPeftAdapter = async (dir: string): Promise<PeftAdapter> =>
  parsePeftAdapter(await readPeftFiles(dir), dir)

/**
 * Writes an adapter folder, whole or not at all; one without `graft.json` where nothing but PEFT's part is known.
 * @throws GraftError `file-exists`, `file-write`
 */
export async function writeAdapter(
  out: Output,
  adapter: Adapter | PeftAdapter,
  { force, inputs, extraFiles = {} }: WriteOptionsWithExtras = {},
): Promise<void> {
  const files = 'info' in adapter ? serializeAdapter(adapter) : serializePeftAdapter(adapter)
  await writeOutputFolder(out, { kind: 'model', force, inputs }, async (temporaryDir) => {
    for (const [name, content] of Object.entries({ ...extraFiles, ...files })) {
      await writeFile(join(temporaryDir, name), content)
    }
  })
}
