/** TensorFlow.js as `graft doctor` sees it: its version, its backends, and the optional GPU build. */
import { createRequire } from 'node:module'
import type { Check } from './check.ts'

const gpuPackage = '@tensorflow/tfjs-node-gpu'

async function checkTensorFlow(): Promise<Check> {
  const name = 'TensorFlow.js'
  try {
    const tf = await import('@tensorflow/tfjs')
    const backends = Object.keys(tf.engine().registryFactory)
    return { name, status: 'ok', found: `${tf.version.tfjs}; backends ${backends.join(', ')}` }
  } catch (error) {
    return { name, status: 'missing', found: `does not load: ${String(error)}`, advice: 'Install again with `npm ci`.' }
  }
}

function checkGpuPackage(): Check {
  try {
    const { version } = createRequire(import.meta.url)(`${gpuPackage}/package.json`) as { version: string }
    return { name: gpuPackage, status: 'ok', found: version }
  } catch {
    const advice = `For the eager engine on an NVIDIA GPU: CUDA 11.2, cuDNN 8.1, Node 20 or 22, and \`npm install ${gpuPackage}\`.`
    return { name: gpuPackage, status: 'optional', found: 'not installed', advice }
  }
}

/** Looks for TensorFlow.js and its optional GPU build. */
export const checkTensorFlowPackages = async (): Promise<Check[]> => [await checkTensorFlow(), checkGpuPackage()]
