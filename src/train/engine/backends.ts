/** Opens the TF.js backends that are packages of their own: optional peers, which are loaded only when asked for. */
import { createRequire } from 'node:module'
import * as tf from '@tensorflow/tfjs'
import { DEVICES, type EagerDevice, deviceError } from '../../core/devices.ts'
import { missingPackage } from './packages.ts'

/**
 * Makes a device's backend the one that TF.js uses.
 * @throws GraftError `device` for a package that is not installed or does not load, and for a GPU that it does not find
 */
export async function openBackend(device: EagerDevice): Promise<void> {
  tf.enableProdMode() // else TF.js prints an advertisement for its native package
  const missing = missingPackage(device)
  if (missing !== undefined) throw deviceError(device, `the package ${missing} is not installed`)
  const { backend } = DEVICES[device].runner
  try {
    await loaders[device]?.()
    if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js could not start its backend "${backend}"`)
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw deviceError(device, reason, hintFor(device, error))
  }
  if (device === 'tfjs-node-gpu') checkGpu()
}

const loaders: Partial<Record<EagerDevice, () => Promise<void>>> = {
  'tfjs-node': () => loadTensorFlow('@tensorflow/tfjs-node'),
  'tfjs-node-gpu': () => loadTensorFlow('@tensorflow/tfjs-node-gpu'),
  'tfjs-webgpu': loadWebGpu,
}

/** Importing the package registers its backend. */
async function loadTensorFlow(name: string): Promise<void> {
  restoreUtil()
  await import(name)
}

/**
 * tfjs-node 4.22 calls functions that Node 23 removed from `util` (tensorflow/tfjs#8425).
 * @param util CommonJS' object, the one that the package sees
 */
export function restoreUtil(util: object = createRequire(import.meta.url)('node:util') as object): void {
  const removed = {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  }
  for (const [name, value] of Object.entries(removed)) if (!(name in util)) Object.assign(util, { [name]: value })
}

/** Dawn stands where TF.js looks for a browser's WebGPU. */
async function loadWebGpu(): Promise<void> {
  const { create, globals } = await import('webgpu')
  const gpu = create([])
  if (!(await gpu.requestAdapter())) throw new Error('WebGPU finds no GPU')
  Object.assign(globalThis, globals)
  // Newer Nodes have a navigator, without a GPU.
  const navigator: object = Reflect.get(globalThis, 'navigator') ?? {}
  if (!('gpu' in navigator)) Object.defineProperty(navigator, 'gpu', { value: gpu })
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true })
  await import('@tensorflow/tfjs-backend-webgpu')
}

/** Where CUDA's libraries are missing TensorFlow says so on stderr, and goes on without the GPU. */
function checkGpu(): void {
  const backend: unknown = tf.backend()
  if (typeof backend === 'object' && backend !== null && Reflect.get(backend, 'isUsingGpuDevice') === true) return
  const reason = 'TensorFlow found no GPU that it can use: its lines above name the libraries that are missing'
  throw deviceError('tfjs-node-gpu', reason, `Install the NVIDIA driver, CUDA 11.2 and cuDNN 8.1. ${ALTERNATIVE}`)
}

const ALTERNATIVE = 'With newer ones use --device cuda.'

/** What is known to go wrong, by what the errors say. */
function hintFor(device: EagerDevice, error: unknown): string | undefined {
  const text = String(error)
  if (/lib(cuda|cudart|cudnn|cublas)\w*\.so/.test(text)) {
    return `TensorFlow.js' package wants CUDA 11.2 and cuDNN 8.1. ${ALTERNATIVE}`
  }
  if (/tfjs_binding\.node|libtensorflow/.test(text)) {
    const [name = ''] = DEVICES[device].runner.packages
    return (
      `Its install script did not run, or has no build for this system: ` +
      `\`npm rebuild ${name} --ignore-scripts=false\`, which downloads TensorFlow; else use another device.`
    )
  }
  return undefined
}
