/** What a result belongs to besides its settings: a base, a data set and a version of Graft. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { taskFields } from '../core/task.ts'
import type { Base } from '../files/base-folder.ts'
import type { TensorMap } from '../core/tensors.ts'
import { sha256, sha256File } from '../files/hash.ts'
import type { StoredDataset } from './dataset.ts'

/** Of this library: another one may train otherwise. */
export const { version }: { version: string } = createRequire(import.meta.url)('../../package.json')

/** The memory of an array of numbers. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** SHA-256 of each tensor, by name. */
export const tensorHashes = (tensors: TensorMap): [string, string][] =>
  [...tensors].map(([name, { data }]) => [name, sha256(bytesOf(data))])

const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'vocab.json', 'merges.txt']

/**
 * SHA-256 of all that decides a result but for the settings: the base's weights, configuration and tokenizer, the labels and what they are,
 * every row of all three parts, and the version of Graft.
 * @example
 * import { identityOf, readBase, readDataset, shippedBase } from 'graft-lora/train'
 *
 * console.log(await identityOf(await readBase(shippedBase()), await readDataset('runs/data')))
 */
export async function identityOf(
  { dir, config, sha256 }: Pick<Base, 'dir' | 'config' | 'sha256'>,
  { labels, problemType, splits, sha256: data }: Pick<StoredDataset, 'labels' | 'problemType' | 'splits' | 'sha256'>,
): Promise<string> {
  const tokenizer: string[] = []
  for (const name of TOKENIZER_FILES) {
    const file = join(dir, name)
    tokenizer.push(existsSync(file) ? await sha256File(file) : '')
  }
  const task = Object.values(taskFields({ problemType })) // none where each text has one label
  const facts = [version, sha256, config, tokenizer, data, labels, ...task]
  const hash = createHash('sha256').update(JSON.stringify(facts))
  for (const part of [splits.train, splits.validation, splits.test]) {
    for (const { text, label } of part) hash.update(JSON.stringify([text, label]))
    hash.update('\n') // where a part ends
  }
  return hash.digest('hex')
}
