/** Opens whatever classifies: a bundle, or what training writes, whose graph is then made in memory. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { GraftError } from '../core/errors.ts'
import { checkSchema } from '../core/schema.ts'
import { readJson } from '../files/read.ts'
import { type Classifier, type OpenOptions, openBundle } from '../runtime/index.ts'

export interface OpenModelOptions extends OpenOptions {
  /** Base folder of an adapter; the one that the adapter names, by default. */
  base?: string | undefined
}

const hint =
  'Give a bundle of `graft export`, an adapter or a model of `graft train`, or a classifier of `graft import`.'

const description = z.looseObject({ kind: z.enum(['merged', 'unmerged', 'adapter', 'model', 'base']) })

/** What a folder holds. A model that was imported is one without `graft.json`, and PEFT's adapters have none. */
async function kindOf(dir: string): Promise<z.infer<typeof description>['kind']> {
  const file = join(dir, 'graft.json')
  const holds = (name: string) => existsSync(join(dir, name))
  if (!holds('graft.json') && holds('adapter_config.json')) return 'adapter'
  if (!holds('graft.json') && holds('model.safetensors')) return 'model'
  return checkSchema(description, await readJson(file, hint), { code: 'file-format', file, hint }).kind
}

/**
 * Opens a bundle, an adapter folder, or the folder of a model with a classification head, fine-tuned or imported. An adapter
 * is merged into its base, so the classifier has no adapters to choose from.
 * @throws GraftError `file-format` for a `graft.json` of something else, `config` for a model without a head, `usage` for a
 *   base that is not asked for, and what reading the folder throws
 * @example
 * import { openModel } from 'graft-lora/export'
 *
 * const classifier = await openModel('runs/adapter')
 * console.log(await classifier.classify('A film that I loved'))
 * await classifier.close()
 */
export async function openModel(dir: string, { base, verify, ...options }: OpenModelOptions = {}): Promise<Classifier> {
  const kind = await kindOf(dir)
  if (base !== undefined && kind !== 'adapter') {
    throw new GraftError('usage', `${dir} is no adapter, so it takes no base`, { hint: 'Leave --base out.', file: dir })
  }
  if (kind === 'merged' || kind === 'unmerged') return openBundle(dir, { verify, ...options })
  const { assembleModel } = await import('./assemble.ts')
  return assembleModel(dir, { ...options, ...(kind === 'adapter' && { adapter: true, base }) })
}
