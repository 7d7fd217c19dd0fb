/** Parameters by name, as the model's functions take them. */
import type * as tf from '@tensorflow/tfjs'

export type Tensors = Record<string, tf.Tensor>

/** The parameter of a name; a missing one is a defect of the caller, since files are checked when they are read. */
export function parameter(parameters: Tensors, name: string): tf.Tensor {
  const tensor = parameters[name]
  if (!tensor) throw new Error(`no parameter "${name}"`)
  return tensor
}
