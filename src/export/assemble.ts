/** A classifier of what training writes, without a bundle: its graph is made in memory. Loads TF.js, as `open.ts` does not. */
import type { Classifier } from '../runtime/classifier.ts'
import type { OpenOptions } from '../runtime/index.ts'
import { openGraph } from './in-memory.ts'
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
  const plan = planMerged(await inputs)
  return openGraph(await plan.trace(), plan, options)
}
