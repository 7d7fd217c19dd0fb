/** Opens whatever classifies: a bundle, or what training writes, whose graph is then made in memory. */
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

const hint = 'Give a bundle of `graft export`, or an adapter or a model of `graft train`.'

const description = z.looseObject({ kind: z.enum(['merged', 'unmerged', 'adapter', 'model']) })

/**
 * Opens a bundle, an adapter folder, or the folder of a model that was fine-tuned in full. An adapter is merged into its
 * base, so the classifier has no adapters to choose from.
 * @throws GraftError `file-format` for a `graft.json` of something else, `usage` for a base that is not asked for, and what
 *   reading the folder throws
 */
export async function openModel(dir: string, { base, threads }: OpenModelOptions = {}): Promise<Classifier> {
  const file = join(dir, 'graft.json')
  const { kind } = checkSchema(description, await readJson(file, hint), { code: 'file-format', file, hint })
  if (base !== undefined && kind !== 'adapter') {
    throw new GraftError('usage', `${dir} is no adapter, so it takes no base`, { hint: 'Leave --base out.', file: dir })
  }
  if (kind === 'merged' || kind === 'unmerged') return openBundle(dir, { threads })
  // The name would only be seen in an unmerged bundle; the folder's own need not be fit for one.
  const inputs = kind === 'adapter' ? readInputs(base, [{ name: 'adapter', dir }]) : readInputs(dir, [])
  const { config, model, trace } = planMerged(await inputs)
  const parts = toOnnxParts(await trace(), { name: 'classifier', dataFile: graphDataFile })
  return loadModel(parts, graphDataFile, (graph) => createClassifier({ graph, config, model, threads }))
}
