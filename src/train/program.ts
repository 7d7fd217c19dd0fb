/** What is trained: parameters in groups, and the function from a batch to logits. Engines and the loop know no more. */
import type * as tf from '@tensorflow/tfjs'
import { type TensorMap, sizeOf } from '../core/tensors.ts'
import type { TokenBatch } from '../model/gpt2.ts'
import type { DropoutSource } from '../model/ops/dropout.ts'
import type { Tensors } from '../model/parameters.ts'

/** Parameters that the optimizer treats alike; they are trained as one flat vector. */
export interface ParameterGroup {
  name: string
  parameters: { name: string; shape: number[] }[]
  weightDecay: number
}

export interface TrainingProgram {
  groups: ParameterGroup[]
  /** Starting values of all trainable parameters. */
  initial: TensorMap
  /** Weights that are used but never changed. */
  frozen: TensorMap
  /** Whether the program draws dropout masks in training. */
  usesDropout: boolean
  /**
   * @param parameters all tensors of `initial` and `frozen`
   * @param dropout given in training only
   * @returns logits [batch, labels]
   */
  logits(parameters: Tensors, batch: TokenBatch, dropout?: DropoutSource): tf.Tensor2D
}

export const groupSize = (group: ParameterGroup): number =>
  group.parameters.reduce((total, { shape }) => total + sizeOf(shape), 0)

/** Lays a group's parameters end to end. */
export function flatten(group: ParameterGroup, tensors: TensorMap): Float32Array {
  const flat = new Float32Array(groupSize(group))
  let offset = 0
  for (const { name, shape } of group.parameters) {
    const tensor = tensors.get(name)
    if (!tensor) throw new Error(`no starting value for "${name}"`)
    flat.set(tensor.data, offset)
    offset += sizeOf(shape)
  }
  return flat
}

/** The inverse of `flatten`: views into the flat vector. */
export function unflatten(group: ParameterGroup, flat: Float32Array): TensorMap {
  const tensors: TensorMap = new Map()
  let offset = 0
  for (const { name, shape } of group.parameters) {
    const size = sizeOf(shape)
    tensors.set(name, { shape, data: flat.subarray(offset, offset + size) })
    offset += size
  }
  return tensors
}
