/** Turns a TensorFlow.js function into an ONNX graph by running it once on the backend that records instead of computing. */
import * as tf from '@tensorflow/tfjs'
import { GraftError } from '../core/errors.ts'
import type { TensorData } from '../core/tensors.ts'
import { BACKEND, type OnnxBackend, registerBackend } from './backend.ts'
import { checkGraph } from './check.ts'
import { type Dim, StandIns, factorsOf } from './dims.ts'
import { Graph } from './graph.ts'
import { optimize } from './optimize.ts'
import { printGraph } from './print.ts'
import { elementType } from './types.ts'

export interface InputSpec {
  /** Sizes; a name such as `"batch"` is a symbolic size, free at run time. */
  shape: Dim[]
  dtype?: 'float32' | 'int32' | 'bool'
}

export type Tensors = Record<string, tf.Tensor>

/** A function of named tensors. Its result is one tensor, a list, or a record of named outputs. */
export type TracedFunction = (inputs: Tensors) => tf.Tensor | tf.Tensor[] | Tensors

export interface TraceOptions {
  /** Named tensors given to the function like inputs, but stored in the graph: frozen weights. */
  constants?: ReadonlyMap<string, TensorData>
}

/**
 * Small primes that stand for symbolic sizes: small, because TF.js builds some constants of those sizes for real.
 * 17 and 19 come first: no usual size of a model is a multiple of them.
 */
const PRIMES = [17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79]

/**
 * Traces `fn` into a graph of ONNX operators (opset 20).
 *
 * The function runs on symbolic tensors: it may use any tf.* operator, layer or gradient whose kernels are mapped, and
 * must not read values. It runs at least twice, with different stand-ins for the symbolic sizes; only a graph that does
 * not depend on them is returned.
 *
 * @param inputs name → shape and type of each graph input, in order
 * @throws GraftError `trace-kernel` for an unmapped kernel, `trace-read` where values are read, `trace` where the
 *   program depends on a symbolic size otherwise than by shapes
 */
export async function trace(
  fn: TracedFunction,
  inputs: Record<string, InputSpec>,
  { constants = new Map() }: TraceOptions = {},
): Promise<Graph> {
  const symbols = [
    ...new Set(Object.values(inputs).flatMap(({ shape }) => shape.flatMap((dim) => factorsOf(dim).symbols))),
  ]
  await tf.ready()
  const previous = tf.getBackend()
  const backend = registerBackend()
  // Not awaited: the switch is immediate, and nothing of the caller's may run before the backend is put back.
  void tf.setBackend(BACKEND)
  try {
    const graph = agree(symbols, (standIns) => traceOnce(backend, standIns, fn, inputs, constants))
    checkGraph(graph)
    return graph
  } finally {
    void tf.setBackend(previous)
  }
}

/** How many sets of stand-ins are tried: two suffice unless a size of the program is a multiple of one of their primes. */
const ATTEMPTS = 5

/**
 * Traces with several sets of stand-ins until two graphs are equal: what a prime divides by chance under one set, it
 * does not under another. Such a chance may also make a trace fail, so a failure is no verdict before the last attempt.
 */
function agree(symbols: readonly string[], run: (standIns: StandIns) => Graph): Graph {
  if (symbols.length === 0) return run(new StandIns(new Map()))
  const printed: string[] = []
  let failure: unknown
  for (let first = 0; first < ATTEMPTS; first++) {
    try {
      const graph = run(new StandIns(new Map(symbols.map((symbol, at) => [symbol, PRIMES[first + at] ?? 0]))))
      const text = printGraph(graph)
      if (printed.includes(text)) return graph
      printed.push(text)
    } catch (error) {
      if (!(error instanceof GraftError && error.code === 'trace')) throw error
      failure ??= error
    }
  }
  if (failure !== undefined) throw failure
  throw new GraftError(
    'trace',
    `the traced function depends on a symbolic size (${symbols.join(', ')}): ${firstDifference(printed)}`,
    {
      hint: 'Use symbolic sizes only through shapes; sums of sizes and constants computed from them cannot be traced.',
      value: symbols,
    },
  )
}

function firstDifference([a = '', b = '']: readonly string[]): string {
  const [left, right] = [a.split('\n'), b.split('\n')]
  const at = left.findIndex((line, index) => line !== right[index])
  return `«${left[at]?.trim()}» becomes «${right[at]?.trim()}» for other sizes`
}

function traceOnce(
  backend: OnnxBackend,
  standIns: StandIns,
  fn: TracedFunction,
  specs: Record<string, InputSpec>,
  constants: ReadonlyMap<string, TensorData>,
): Graph {
  const graph = new Graph()
  backend.tracing = { graph, standIns }
  try {
    tf.tidy(() => {
      const tensor = (value: Parameters<OnnxBackend['register']>[0]) =>
        tf.engine().makeTensorFromTensorInfo(backend.register(value))
      const inputs: Tensors = {}
      for (const [name, { shape, dtype = 'float32' }] of Object.entries(specs))
        inputs[name] = tensor(graph.input(name, elementType(dtype), shape))
      for (const [name, { shape, data }] of constants)
        inputs[name] = tensor(graph.constant(data, shape, 'float32', name))
      for (const [name, output] of Object.entries(named(fn(inputs)))) graph.outputs.set(name, backend.lookup(output))
    })
    return optimize(graph)
  } finally {
    backend.tracing = undefined
  }
}

function named(result: tf.Tensor | tf.Tensor[] | Tensors): Tensors {
  if (result instanceof tf.Tensor) return { output: result }
  return Array.isArray(result) ? Object.fromEntries(result.map((tensor, at) => [`output_${at}`, tensor])) : result
}
