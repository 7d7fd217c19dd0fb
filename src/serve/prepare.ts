/** An adapter's files into a slot, all checks included: done before it takes the place of anything. */
import { type AdapterFiles, parseAdapter } from '../core/adapter.ts'
import { type BaseIdentity, checkAdapter } from '../core/adapter/fit.ts'
import { adapterIdentity } from '../core/adapter/version.ts'
import { type TaskSpec, taskFields } from '../core/task.ts'
import { sha256 } from '../files/hash.ts'
import { checkWeightsHeader } from './adapter-files.ts'
import { packAdapter, type StackLayout } from './pack.ts'

/** What an adapter of a model has to fit. */
export interface AdapterRequirements extends StackLayout, BaseIdentity {}

export interface Unprepared {
  files: AdapterFiles
  /** The adapter, named in errors. */
  file: string
  /** Memory of the slot that it goes to. */
  memory: Float32Array
}

export interface PreparedAdapter extends TaskSpec {
  /** SHA-256 of what `adapterIdentity` says: weights, configuration, labels, base and length. */
  version: string
  maxLength: number
}

/**
 * Checks an adapter and writes it into its slot.
 * @throws GraftError `adapter`, `adapter-base`, `safetensors`
 */
export async function prepareAdapter(
  { files, file, memory }: Unprepared,
  requirements: AdapterRequirements,
): Promise<PreparedAdapter> {
  checkWeightsHeader(files, file)
  const read = await parseAdapter(files, file)
  const adapter = await checkAdapter(read, requirements, file)
  const { labels, maxLength } = adapter.info
  const task = { labels, ...taskFields(adapter.info) }
  packAdapter(adapter, requirements, memory, file)
  const version = sha256(adapterIdentity(adapter, sha256(files['adapter_model.safetensors'])))
  return { version, ...task, maxLength }
}
