/** An adapter's files, whole and with changed tensors. */
import { serializeAdapter, type Adapter } from '../../../src/core/adapter.ts'
import { parseSafetensors, serializeSafetensors } from '../../../src/core/safetensors.ts'
import type { TensorMap } from '../../../src/core/tensors.ts'
import { randomAdapter } from '../../fixtures/adapter.ts'

export const weightsFile = 'adapter_model.safetensors'
export const adapter = randomAdapter()

/** The files of an adapter as `parseAdapter` gets them. */
export function filesOf(source: Adapter) {
  const files = serializeAdapter(source)
  return {
    ...files,
    'adapter_config.json': JSON.parse(files['adapter_config.json']),
    'graft.json': JSON.parse(files['graft.json']),
  }
}

/** The same files with changed tensors. */
export function withTensors(change: (tensors: TensorMap) => unknown) {
  const files = filesOf(adapter)
  const { tensors } = parseSafetensors(files[weightsFile], weightsFile)
  change(tensors)
  return { ...files, [weightsFile]: serializeSafetensors(tensors) }
}
