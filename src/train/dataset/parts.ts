/** The parts of a set that comes split: `train.csv`, `validation.csv` and `test.csv`, under the names that they usually have. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { GraftError } from '../../core/errors.ts'
import { isSystemError } from '../../files/system-error.ts'
import type { SplitName } from './split.ts'

const names: Record<string, SplitName> = {
  train: 'train',
  validation: 'validation',
  valid: 'validation',
  val: 'validation',
  dev: 'validation',
  test: 'test',
}

/** A part's file; `-00000-of-00001` is what Hugging Face puts behind the name of one that is whole. */
const partFile = /^(\w+?)(?:-00000-of-00001)?\.(?:csv|tsv|tab|txt|jsonl|ndjson|parquet)(?:\.gz)?$/i

/**
 * The files of a folder that are parts of a set, by part.
 * @returns none for what is no folder, or not there
 * @throws GraftError `data-split` for two files of one part
 * @example
 * import { findParts } from 'graft-lora/train'
 *
 * const { train, test } = await findParts('runs/data')
 * console.log(train, test)
 */
export async function findParts(dir: string): Promise<Partial<Record<SplitName, string>>> {
  const entries = await readdir(dir).catch((error: unknown) => {
    if (isSystemError(error) && ['ENOENT', 'ENOTDIR'].includes(error.code)) return []
    throw error
  })
  const parts: Partial<Record<SplitName, string>> = {}
  for (const entry of entries.toSorted()) {
    const part = names[partFile.exec(entry)?.[1]?.toLowerCase() ?? '']
    if (part === undefined) continue
    const other = parts[part]
    if (other !== undefined) throw twoFiles(part, other, join(dir, entry))
    parts[part] = join(dir, entry)
  }
  return parts
}

const twoFiles = (part: SplitName, one: string, other: string) =>
  new GraftError('data-split', `both ${one} and ${other} may be the ${part} part`, {
    hint: `Remove one of them, or name the right one: \`graft data --${part} FILE\`.`,
    file: other,
  })
