/** Reads what a bundle is made of: a base and the adapters that were trained on it. */
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { Adapter } from '../core/adapter.ts'
import { checkAdapter } from '../core/adapter/fit.ts'
import { GraftError } from '../core/errors.ts'
import { type TokenizerSource, tokenizerIdentity } from '../core/tokenizer.ts'
import { readAdapter } from '../files/adapter-folder.ts'
import { type Base, readBase } from '../files/base-folder.ts'
import { recoverForReading } from '../files/recover.ts'
import { readTokenizer } from '../files/tokenizer-files.ts'

/** An adapter folder and the name that it gets in the bundle. */
export interface AdapterSource {
  /** The folder's own name by default. */
  name?: string
  dir: string
}

export interface NamedAdapter {
  name: string
  dir: string
  adapter: Adapter
}

export interface ExportInputs {
  base: Base
  tokenizer: TokenizerSource
  adapters: NamedAdapter[]
}

/**
 * Reads base and adapters, and checks that they belong together.
 * @param baseDir the folder that the first adapter names, by default
 * @throws GraftError `usage` for names that cannot be folders or that repeat, `adapter-base`, and what reading throws
 */
export async function readInputs(
  baseDir: string | undefined,
  sources: readonly AdapterSource[],
): Promise<ExportInputs> {
  const adapters: NamedAdapter[] = []
  for (const { dir, name = basename(resolve(dir)) } of sources) {
    checkName(name, adapters)
    adapters.push({ name, dir, adapter: await readAdapter(dir) })
  }
  const base = await readBase(baseDir ?? (await baseOf(adapters)))
  const tokenizer = await readTokenizer(base.dir, base.config)
  const identity = { ...base, tokenizer: tokenizerIdentity(tokenizer) }
  const fitted: NamedAdapter[] = []
  for (const { adapter, ...named } of adapters)
    fitted.push({ ...named, adapter: await checkAdapter(adapter, identity, named.dir) })
  return { base, tokenizer, adapters: fitted }
}

function checkName(name: string, others: readonly NamedAdapter[]): void {
  const repeated = others.some((other) => other.name === name)
  if (!repeated && /^\w[\w.-]*$/.test(name)) return
  const problem = repeated ? 'is given twice' : 'is not a plain name: letters, digits, _ - and . only'
  throw new GraftError('usage', `the adapter name "${name}" ${problem}`, {
    hint: 'Name the adapter: --adapter NAME=DIR.',
    value: name,
  })
}

/** The base's folder as an adapter's `base_model_name_or_path` says. */
async function baseOf([first]: readonly NamedAdapter[]): Promise<string> {
  const path = first?.adapter.config.base_model_name_or_path
  if (typeof path === 'string') await recoverForReading(path)
  const isFolder = typeof path === 'string' && (await stat(path).catch(() => undefined))?.isDirectory()
  if (isFolder) return path
  const problem = first
    ? `${first.dir} was trained on "${path ?? 'an unnamed base'}", which is no folder here`
    : 'no base'
  throw new GraftError('usage', problem, { hint: 'Give the base folder with --base.', value: path })
}
