/** Loads a bundle's graph with onnxruntime-web, on the CPU or with WebGPU. */
import type { InferenceSession } from 'onnxruntime-web'
import { Tensor, env, wasmBackend } from 'virtual:onnxruntime'
import { cpu, webgpu } from 'virtual:runtime-files'
import { GraftError } from '../../core/errors.ts'
import type { Precision } from '../../core/precision.ts'
import type { Feed, LoadedGraph } from '../../core/session.ts'
import type { Device } from '../protocol.ts'
import { outOfMemory } from './downloads.ts'

export interface RuntimeOptions {
  device: Device
  threads: number
}

/** The files of the ONNX Runtime that a device needs; WebGPU's is another and larger one. */
export const runtimeFiles = (device: Device) => (device === 'webgpu' ? webgpu : cpu)

/** A vector operation: `(func (result v128) i32.const 0 i8x16.splat i8x16.popcnt)`. */
const simd = Uint8Array.from([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
])

/** @throws GraftError `browser` for a browser that cannot run the model, before anything is downloaded */
export async function checkBrowser({ device }: RuntimeOptions): Promise<void> {
  if (!WebAssembly.validate(simd)) {
    throw new GraftError('browser', 'this browser has no WebAssembly SIMD', {
      hint: 'Use a newer one: Chrome or Edge 91, Firefox 89, Safari 16.4, or later.',
    })
  }
  if (device === 'cpu') return
  // The runtime waits for the GPU by JavaScript Promise Integration, which not all browsers with WebGPU have.
  if ('Suspending' in WebAssembly && (await navigator.gpu?.requestAdapter())) return
  throw new GraftError('browser', 'this browser has no WebGPU here, or no JavaScript Promise Integration', {
    hint: 'Run it on the CPU, or use Chrome or Edge 137 or later on a machine with a GPU.',
  })
}

/** An ONNX model that returns its input: making a session of it starts the runtime, which has no call for that alone. */
const empty = 'CAg6LwoQCgF4EgF5IghJZGVudGl0eRIBZ1oLCgF4EgYKBAgBEgBiCwoBeRIGCgQIARIAQgIQEQ=='

/** This file lies in the site's `assets/`, whichever way it was started. */
const here = import.meta.url

/** URL of a file of the site. */
export const urlOf = (path: string): URL => new URL(`../${path}`, here)

/** What of an `InferenceSession` is used here. */
type Session = Pick<InferenceSession, 'inputNames' | 'run' | 'release'>

/** Made by the backend itself: ONNX Runtime's own class, which chooses among backends and reads many kinds of arguments, is 2 kB of a page. */
async function createSession(graph: Uint8Array, options: InferenceSession.SessionOptions): Promise<Session> {
  await wasmBackend.init('wasm')
  const handler = await wasmBackend.createInferenceSessionHandler(graph, options)
  const outputs = Object.fromEntries(handler.outputNames.map((name) => [name, null]))
  return {
    inputNames: handler.inputNames,
    run: (feeds) => handler.run(feeds, outputs, {}),
    release: () => handler.dispose(),
  }
}

const cpuRuntime = { InferenceSession: { create: createSession }, Tensor, env }

/** The same interface with another execution provider. */
const loadWebGpuRuntime = (): Promise<typeof cpuRuntime> => import(/* @vite-ignore */ urlOf(webgpu.module.path).href)

export interface Runtime {
  /** Threads that it runs on: one where the page is not cross-origin isolated. */
  threads: number
  /**
   * Loads a graph. Runs follow one another, also where several are asked for at once.
   * @throws GraftError `bundle` where ONNX Runtime cannot load it, `runtime` where it fails in a run, `memory`
   */
  load(graph: Uint8Array, precision: Precision): Promise<LoadedGraph>
}

/**
 * Starts ONNX Runtime, which takes as long as loading a small model: do it while that is on its way.
 * @throws GraftError `browser`, `memory`
 */
export async function startRuntime(
  wasm: Uint8Array<ArrayBuffer>,
  { device, threads }: RuntimeOptions,
): Promise<Runtime> {
  const { env, InferenceSession, Tensor } = device === 'webgpu' ? await loadWebGpuRuntime() : cpuRuntime
  env.wasm.wasmBinary = wasm
  env.wasm.wasmPaths = { mjs: urlOf(runtimeFiles(device).loader.path) }
  env.wasm.numThreads = threads
  const create = (graph: Uint8Array, precision: Precision) =>
    InferenceSession.create(graph, {
      executionProviders: [device === 'webgpu' ? 'webgpu' : 'wasm'],
      // The exporter has optimized the graph: doing it again makes no run faster, and loading 130 ms slower. But weights in half
      // precision are to be made float32 now, and not in each run.
      graphOptimizationLevel: precision === 'fp16' ? 'basic' : 'disabled',
      logSeverityLevel: 3, // errors only
    })
  await create(
    Uint8Array.from(atob(empty), (character) => character.charCodeAt(0)),
    'fp32',
  )
    .then((session) => session.release())
    .catch((error: unknown) => fail('browser', 'ONNX Runtime cannot be started', error))

  const toTensors = (feeds: Record<string, Feed>) =>
    Object.fromEntries(Object.entries(feeds).map(([name, [type, data, dims]]) => [name, new Tensor(type, data, dims)]))

  async function load(graph: Uint8Array, precision: Precision): Promise<LoadedGraph> {
    const session = await create(graph, precision).catch((error: unknown) =>
      fail('bundle', 'the graph cannot be loaded', error),
    )
    async function run(feeds: Record<string, Feed>) {
      const outputs = await session.run(toTensors(feeds))
      const { data, dims } = outputs['logits'] ?? fail('bundle', 'the graph cannot be run', 'no output "logits"')
      return data instanceof Float32Array
        ? { data, dims }
        : fail('bundle', 'the graph cannot be run', 'its logits are not float32')
    }
    let last: Promise<unknown> = Promise.resolve()
    return {
      inputs: session.inputNames,
      run(feeds) {
        const result = last
          .then(() => run(feeds))
          .catch((error: unknown) => fail('runtime', 'the graph cannot be run', error))
        last = result.catch(() => undefined)
        return result
      },
      close: () => session.release(),
    }
  }
  return { load, threads: env.wasm.numThreads ?? 1 }
}

/** What ONNX Runtime, emscripten and the browsers say when memory runs out. */
const memoryMessage = /bad_alloc|out of memory|allocat|memory\.grow|\bOOM\b|invalid array length/i

const hints = {
  browser: 'Use a current browser, and reload the page.',
  bundle: 'Make the bundle again with `graft export`, and the site with `graft web`.',
  runtime: 'Reload the page. If it happens again, use another browser, or report it.',
}

function fail(code: keyof typeof hints, problem: string, cause: unknown): never {
  if (cause instanceof GraftError) throw cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  if (memoryMessage.test(reason)) throw outOfMemory(cause)
  throw new GraftError(code, `${problem}: ${reason}`, { hint: hints[code], cause })
}
