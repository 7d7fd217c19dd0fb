/** The devices that Graft computes on: what each one is in the library that drives it, and what it takes to make it work. */
import { GraftError } from './errors.ts'

/** Execution providers of ONNX Runtime. */
export type Provider = 'cpu' | 'cuda' | 'webgpu'

/** One ONNX graph on an execution provider, or the operations one by one on a TF.js backend. */
type Runner =
  | { engine: 'compiled'; provider: Provider }
  | { engine: 'eager'; backend: string; packages: readonly string[] }

interface Device {
  about: string
  gpu: boolean
  runner: Runner
  /** The command, or the piece of hardware, that makes it work. */
  repair: string
}

const tfjsNode = (name: string, needs: string) =>
  `${needs}; then \`npm install ${name}@4.22.0 --ignore-scripts=false\`, which downloads TensorFlow.`

/** Every device by the name that `--device` has for it. */
export const DEVICES = {
  cpu: {
    about: 'compiled, ONNX Runtime on the processor',
    gpu: false,
    runner: { engine: 'compiled', provider: 'cpu' },
    repair: 'Install again with `npm ci`; if it still fails, this system has no build of onnxruntime-node.',
  },
  cuda: {
    about: 'compiled, ONNX Runtime on an NVIDIA GPU',
    gpu: true,
    runner: { engine: 'compiled', provider: 'cuda' },
    repair:
      'Needs an NVIDIA GPU with driver, CUDA 12 and cuDNN 9 (Linux, x64), and ' +
      '`ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node --ignore-scripts=false`.',
  },
  webgpu: {
    about: 'compiled, ONNX Runtime on any GPU',
    gpu: true,
    runner: { engine: 'compiled', provider: 'webgpu' },
    repair: "Needs a GPU with its driver, and on Linux Vulkan's loader: `apt-get install libvulkan1`.",
  },
  'tfjs-node-gpu': {
    about: 'TensorFlow.js on an NVIDIA GPU',
    gpu: true,
    runner: { engine: 'eager', backend: 'tensorflow', packages: ['@tensorflow/tfjs-node-gpu'] },
    repair: tfjsNode(
      '@tensorflow/tfjs-node-gpu',
      'Needs an NVIDIA GPU with driver, CUDA 11.2, cuDNN 8.1 and glibc (Linux or Windows, x64)',
    ),
  },
  'tfjs-node': {
    about: "TensorFlow.js with TensorFlow's own kernels on the processor",
    gpu: false,
    runner: { engine: 'eager', backend: 'tensorflow', packages: ['@tensorflow/tfjs-node'] },
    repair: tfjsNode('@tensorflow/tfjs-node', 'Needs Linux, macOS or Windows on x64, or macOS on arm64'),
  },
  'tfjs-webgpu': {
    about: 'TensorFlow.js on any GPU',
    gpu: true,
    runner: { engine: 'eager', backend: 'webgpu', packages: ['webgpu', '@tensorflow/tfjs-backend-webgpu'] },
    repair: 'Needs what webgpu needs, and `npm install webgpu@0.6 @tensorflow/tfjs-backend-webgpu@4.22.0`.',
  },
  'tfjs-cpu': {
    about: 'TensorFlow.js in plain JavaScript, the slow reference',
    gpu: false,
    runner: { engine: 'eager', backend: 'cpu', packages: [] },
    repair: 'Install again with `npm ci`.',
  },
} as const satisfies Record<string, Device>

export type DeviceName = keyof typeof DEVICES

/** Devices that run ONNX graphs: what bundles are, and what training compiles to. */
export type CompiledDevice = {
  [Name in DeviceName]: (typeof DEVICES)[Name]['runner']['engine'] extends 'compiled' ? Name : never
}[DeviceName]

/** Devices of TF.js. */
export type EagerDevice = Exclude<DeviceName, CompiledDevice>

export const DEVICE_NAMES = Object.keys(DEVICES) as DeviceName[] // the table's own keys

export const isCompiled = (name: DeviceName): name is CompiledDevice => DEVICES[name].runner.engine === 'compiled'

/** A device that does not work, why, and what to do about it. */
export function deviceError(name: DeviceName, cause: unknown, hint: string = DEVICES[name].repair): GraftError {
  const text = cause instanceof Error ? cause.message : String(cause)
  // ONNX Runtime's own messages begin with the place in its source and the condition that failed.
  const reason = text.replace(/^\/.* was false\. /s, '').trim()
  return new GraftError('device', `device ${name} does not work here: ${reason}`, { hint, value: name, cause })
}
