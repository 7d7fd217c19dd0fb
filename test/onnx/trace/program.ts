/** What traced functions of tests are given. */
import type * as tf from '@tensorflow/tfjs'
import type { InputSpec, TracedFunction } from '../../../src/onnx/index.ts'

export const X: Record<string, InputSpec> = { x: { shape: ['batch', 3] } }

/** An input by name. */
export function get(tensors: tf.NamedTensorMap, name: string): tf.Tensor {
  const tensor = tensors[name]
  if (!tensor) throw new Error(`no input ${name}`)
  return tensor
}

/** A function of the input `x` alone. */
export const ofX =
  (fn: (x: tf.Tensor) => ReturnType<TracedFunction>): TracedFunction =>
  (tensors) =>
    fn(get(tensors, 'x'))
