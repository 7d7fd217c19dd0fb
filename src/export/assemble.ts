/** A classifier of what training writes, without a bundle: its graph is made in memory. Loads TF.js, as `open.ts` does not. */
import { graphDataFile } from '../core/bundle.ts'
import { loadModel } from '../files/model-file.ts'
import { toOnnxParts } from '../onnx/index.ts'
import { type Classifier, createClassifier } from '../runtime/classifier.ts'
import type { OpenOptions } from '../runtime/index.ts'
import { readInputs } from './inputs.ts'
import { planMerged } from './merged.ts'

export interface AssembleOptions extends OpenOptions {
  /** Whether the folder is an adapter's. */
  adapter?: boolean
  /** Its base's folder; the one that the adapter names, by default. */
  base?: string | undefined
}

/** @throws GraftError `config` for a model without a head, and what reading the folder throws */
export async function assembleModel(
  dir: string,
  { adapter = false, base, ...options }: AssembleOptions,
): Promise<Classifier> {
  // The name would only be seen in an unmerged bundle; the folder's own need not be fit for one.
  const inputs = adapter ? readInputs(base, [{ name: 'adapter', dir }]) : readInputs(dir, [])
  const { config, model, tokenizer, trace } = planMerged(await inputs)
  const parts = toOnnxParts(await trace(), { name: 'classifier', dataFile: graphDataFile })
  return loadModel(parts, graphDataFile, (graph) => createClassifier({ graph, config, model, tokenizer, ...options }))
}
