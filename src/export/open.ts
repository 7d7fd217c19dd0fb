/** Opens whatever classifies: a bundle, or what training writes, whose graph is then made in memory. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { graphDataFile } from '../core/bundle.ts'
import { GraftError } from '../core/errors.ts'
import { checkSchema } from '../core/schema.ts'
import { readJson } from '../files/read.ts'
import { loadModel } from '../files/model-file.ts'
import { toOnnxParts } from '../onnx/index.ts'
import { type Classifier, createClassifier } from '../runtime/classifier.ts'
import { type OpenOptions, openBundle } from '../runtime/index.ts'
import { readInputs } from './inputs.ts'
import { planMerged } from './merged.ts'

export interface OpenModelOptions extends OpenOptions {
  /** Base folder of an adapter; the one that the adapter names, by default. */
  base?: string | undefined
}

const hint =
  'Give a bundle of `graft export`, an adapter or a model of `graft train`, or a classifier of `graft import`.'

const description = z.looseObject({ kind: z.enum(['merged', 'unmerged', 'adapter', 'model', 'base']) })

/** What a folder holds. A model that was imported is one without `graft.json`. */
async function kindOf(dir: string): Promise<z.infer<typeof description>['kind']> {
  const file = join(dir, 'graft.json')
  if (!existsSync(file) && existsSync(join(dir, 'model.safetensors'))) return 'model'
  return checkSchema(description, await readJson(file, hint), { code: 'file-format', file, hint }).kind
}

/**
 * Opens a bundle, an adapter folder, or the folder of a model with a classification head, fine-tuned or imported. An adapter
 * is merged into its base, so the classifier has no adapters to choose from.
 * @throws GraftError `file-format` for a `graft.json` of something else, `config` for a model without a head, `usage` for a
 *   base that is not asked for, and what reading the folder throws
 */
export async function openModel(dir: string, { base, verify, ...options }: OpenModelOptions = {}): Promise<Classifier> {
  const kind = await kindOf(dir)
  if (base !== undefined && kind !== 'adapter') {
    throw new GraftError('usage', `${dir} is no adapter, so it takes no base`, { hint: 'Leave --base out.', file: dir })
  }
  if (kind === 'merged' || kind === 'unmerged') return openBundle(dir, { verify, ...options })
  // The name would only be seen in an unmerged bundle; the folder's own need not be fit for one.
  const inputs = kind === 'adapter' ? readInputs(base, [{ name: 'adapter', dir }]) : readInputs(dir, [])
  const { config, model, trace } = planMerged(await inputs)
  const parts = toOnnxParts(await trace(), { name: 'classifier', dataFile: graphDataFile })
  return loadModel(parts, graphDataFile, (graph) => createClassifier({ graph, config, model, ...options }))
}
