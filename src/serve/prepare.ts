/** An adapter's files to what a slot holds, all checks included: done before it takes the place of anything. */
import { type AdapterFiles, checkAdapter, parseAdapter } from '../core/adapter.ts'
import type { TensorMap } from '../core/tensors.ts'
import { sha256 } from '../files/hash.ts'
import { packAdapter, type StackLayout } from './pack.ts'

/** What an adapter of a model has to fit. */
export interface AdapterRequirements extends StackLayout {
  /** SHA-256 of the base's `model.safetensors`. */
  baseSha256: string
}

export interface PreparedAdapter {
  /** SHA-256 of `adapter_model.safetensors`. */
  version: string
  labels: string[]
  maxLength: number
  /** In the shapes of a slot. */
  tensors: TensorMap
}

/**
 * @param file the adapter, named in errors
 * @throws GraftError `adapter`, `adapter-base`, `safetensors`
 */
export function prepareAdapter(files: AdapterFiles, file: string, requirements: AdapterRequirements): PreparedAdapter {
  const adapter = parseAdapter(files, file)
  checkAdapter(adapter, requirements.config, requirements.baseSha256, file)
  const { labels, maxLength } = adapter.info
  const tensors = packAdapter(adapter, requirements, file)
  return { version: sha256(files['adapter_model.safetensors']), labels, maxLength, tensors }
}
