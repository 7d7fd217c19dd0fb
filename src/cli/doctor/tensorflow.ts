/** TensorFlow.js as `graft doctor` sees it. */
import type { Check } from './check.ts'

/** Looks for TensorFlow.js; its optional packages are looked for by the devices that they make. */
export async function checkTensorFlow(): Promise<Check> {
  const name = 'TensorFlow.js'
  try {
    const { version } = await import('@tensorflow/tfjs')
    return { name, status: 'ok', found: version.tfjs }
  } catch (error) {
    return { name, status: 'missing', found: `does not load: ${String(error)}`, advice: 'Install again with `npm ci`.' }
  }
}
