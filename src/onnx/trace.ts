/** Turns a TensorFlow.js function into an ONNX graph by running it on the backend that records instead of computing. */
import * as tf from '@tensorflow/tfjs'
import type { TensorData } from '../core/tensors.ts'
import { BACKEND, registerBackend } from './backend.ts'
import { checkGraph } from './check.ts'
import { type Dim, factorsOf, multiply } from './dims.ts'
import { Graph, type Value } from './graph.ts'
import { lower } from './lower.ts'
import { optimize } from './optimize.ts'
import { Sizes } from './sizes.ts'
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
 * Traces `fn` into a graph of ONNX operators (opset 20).
 *
 * The function runs on symbolic tensors: it may use any tf.* operator, layer or gradient whose kernels are mapped, and
 * must not read values. Where sizes are symbolic it runs three times, with different numbers for them: what stays the
 * same is fixed, what changes is read as a symbolic size, and what cannot be read so is refused.
 *
 * @param inputs name → shape and type of each graph input, in order
 * @throws GraftError `trace-kernel` for an unmapped kernel, `trace-read` where values are read, `trace` where the
 *   program depends on a symbolic size otherwise than by shapes
 * @example
 * import { writeFile } from 'node:fs/promises'
 * import * as tf from '@tensorflow/tfjs'
 * import { toOnnx, trace } from 'graft-lora/onnx'
 *
 * const graph = await trace(({ x }) => tf.softmax(x), { x: { shape: ['batch', 3] } })
 * await writeFile('softmax.onnx', toOnnx(graph))
 */
export async function trace(
  fn: TracedFunction,
  inputs: Record<string, InputSpec>,
  { constants = new Map() }: TraceOptions = {},
): Promise<Graph> {
  const specs = Object.entries(inputs).map(([name, { shape, dtype = 'float32' }]) => ({
    name,
    type: elementType(dtype),
    shape: shape.map((dim) => multiply([dim])),
  }))
  const sizes = new Sizes([...new Set(specs.flatMap(({ shape }) => shape.flatMap((dim) => factorsOf(dim).symbols)))])

  /** Adds the function's inputs and named constants to a graph. */
  const declare = (graph: Graph, shapeOf: (shape: Dim[]) => Dim[]): Map<string, Value> =>
    new Map([
      ...specs.map(({ name, type, shape }) => [name, graph.input(name, type, shapeOf(shape))] as const),
      ...[...constants].map(([name, { shape, data }]) => [name, graph.constant(data, shape, 'float32', name)] as const),
    ])

  await tf.ready()
  const previous = tf.getBackend()
  const backend = registerBackend()
  // Not awaited: the switch is immediate, and nothing of the caller's may run before the backend is put back.
  void tf.setBackend(BACKEND)
  try {
    const recordings = Array.from({ length: sizes.runs }, (_, run) =>
      backend.record((scratch) => {
        const values = declare(scratch, (shape) => sizes.toNumbers(shape, run))
        const tensors = [...values].map(
          ([name, value]) => [name, backend.tensor({ kind: 'input', name }, value)] as const,
        )
        return named(fn(Object.fromEntries(tensors)))
      }),
    )
    const graph = new Graph()
    lower(
      graph,
      declare(graph, (shape) => shape),
      recordings,
      sizes,
    )
    optimize(graph)
    checkGraph(graph)
    return graph
  } finally {
    void tf.setBackend(previous)
  }
}

function named(result: tf.Tensor | tf.Tensor[] | Tensors): Tensors {
  if (result instanceof tf.Tensor) return { output: result }
  return Array.isArray(result) ? Object.fromEntries(result.map((tensor, at) => [`output_${at}`, tensor])) : result
}
