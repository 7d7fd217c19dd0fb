/** What is trained: parameters in groups, and the functions from a batch to a loss. Engines and the loop know no more. */
import type * as tf from '@tensorflow/tfjs'
import { modelOf } from '../core/families.ts'
import type { ModelConfig } from '../core/family.ts'
import { type TensorMap, sizeOf } from '../core/tensors.ts'
import type { DropoutSource } from '../model/ops/dropout.ts'
import type { Tensors } from '../model/parameters.ts'
import type { InputSpec, Scheme } from '../onnx/index.ts'

/** Parameters that the optimizer treats alike; they are trained as one flat vector. */
export interface ParameterGroup {
  name: string
  parameters: { name: string; shape: number[] }[]
  weightDecay: number
  /** Of the learning rate; 1 by default. */
  rateFactor?: number
}

export interface TrainingProgram {
  groups: ParameterGroup[]
  /** Starting values of all trainable parameters. */
  initial: TensorMap
  /** Weights that are used but never changed. */
  frozen: TensorMap
  /** How the matrices among them are kept and multiplied by; float32 by default. */
  frozenScheme?: Scheme | undefined
  /** Parameters that the prediction is proportional to: divided by a temperature, they divide it. None where there is no head. */
  head?: readonly string[]
  /** Whether the program draws dropout masks in training. */
  usesDropout: boolean
  /** What `predict` needs of a batch, by name; `input_ids` [batch, sequence] is always there. */
  inputs: Record<string, InputSpec>
  /** What only `loss` needs. */
  targets: Record<string, InputSpec>
  /**
   * What an evaluation gives: a classifier's logits, a language model's losses by token.
   * @param tensors all of `initial`, `frozen` and `inputs`
   * @param dropout given in training only
   */
  predict(tensors: Tensors, dropout?: DropoutSource): tf.Tensor
  /** @param tensors those of `targets`, and all that `predict` had */
  loss(prediction: tf.Tensor, tensors: Tensors): tf.Scalar
}

/** Inputs of every program: token ids and which of them are real. */
export const TOKEN_INPUTS: Record<string, InputSpec> = {
  input_ids: { shape: ['batch', 'sequence'], dtype: 'int32' },
  attention_mask: { shape: ['batch', 'sequence'], dtype: 'int32' },
}

/**
 * Groups for all weights of a model: those that its family has decayed, and the others.
 * @param weights by the names of the family
 */
export function allParameterGroups(config: ModelConfig, weights: TensorMap, weightDecay: number): ParameterGroup[] {
  const { parameters, head } = modelOf(config)
  const decayed = new Set([...parameters, ...head(1)].flatMap((each) => (each.decayed ? [each.name] : [])))
  const isDecayed = (name: string) => decayed.has(name)
  const group = (name: string, decay: number, has: (parameter: string) => boolean): ParameterGroup => ({
    name,
    weightDecay: decay,
    parameters: [...weights].filter(([key]) => has(key)).map(([key, { shape }]) => ({ name: key, shape })),
  })
  return [group('decayed', weightDecay, isDecayed), group('undecayed', 0, (name) => !isDecayed(name))]
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
