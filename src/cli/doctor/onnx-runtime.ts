/** ONNX Runtime as `graft doctor` sees it: its version, and the execution providers that its package holds. */
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
