/** ONNX Runtime as `graft doctor` sees it: its version, the execution providers that its package holds, and how it multiplies bytes here. */
import { DEVICES } from '../../core/devices.ts'
import type { Check } from './check.ts'

/** Looks for ONNX Runtime; what its providers can do here, the devices tell. */
export async function checkOnnxRuntime(): Promise<Check> {
  const name = 'ONNX Runtime'
  try {
    const { env, listSupportedBackends } = await import('onnxruntime-node')
    const providers = listSupportedBackends().map((backend) => backend.name)
    return { name, status: 'ok', found: `${env.versions.node}; providers ${providers.join(', ')}` }
  } catch (error) {
    const [reason] = String(error).split('\n')
    return { name, status: 'missing', found: `does not load: ${reason}`, advice: DEVICES.cpu.repair }
  }
}

/** Whether a base in eight bits is worth it here. */
export async function checkInt8Products(): Promise<Check> {
  const name = 'products in eight bits'
  const { hasInt8Products } = await import('../../train/engine/int8-products.ts')
  const found = (await hasInt8Products())
    ? 'fast: the processor has VNNI, AMX or dot product; --base-precision and --precision int8 gain speed'
    : 'the processor has no VNNI, AMX or dot product: int8 gains size, and little speed'
  return { name, status: 'ok', found }
}
