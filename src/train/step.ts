/**
 * The training step as one pure TF.js function of named tensors: forward, backward and AdamW. Engines run it as it is,
 * or trace it; a step's inputs and outputs have the same names everywhere.
 */
import * as tf from '@tensorflow/tfjs'
import { createRandom } from '../core/random.ts'
import { sizeOf } from '../core/tensors.ts'
import type { DropoutSource } from '../model/ops/dropout.ts'
import { type Tensors, parameter } from '../model/parameters.ts'
import type { InputSpec } from '../onnx/index.ts'
import { type AdamWOptions, type AdamWState, adamW, globalNorm } from './optimizer.ts'
import { type ParameterGroup, type TrainingProgram, groupSize } from './program.ts'

/** The parts of a group's state, each a flat vector. */
const STATE_PARTS = ['values', 'm', 'v'] as const

/** The name of a part of a group's state among a step's inputs. */
export const stateName = (group: ParameterGroup, part: keyof AdamWState): string => `${group.name}.${part}`

/** The name of the same part among the outputs. */
export const nextName = (name: string): string => `next.${name}`

/** Inputs of `trainingStep`, besides the frozen weights. */
export function stepInputs(program: TrainingProgram): Record<string, InputSpec> {
  const state = program.groups.flatMap((group) =>
    STATE_PARTS.map((part): [string, InputSpec] => [stateName(group, part), { shape: [groupSize(group)] }]),
  )
  return {
    ...program.inputs,
    ...program.targets,
    learning_rate: { shape: [] },
    step: { shape: [] },
    ...(program.usesDropout && { dropout_rows: { shape: ['batch', 'sequence'] } }),
    ...Object.fromEntries(state),
  }
}

/** Inputs of `evaluationStep`, besides the frozen weights. */
export const evaluationInputs = (program: TrainingProgram): Record<string, InputSpec> => ({
  ...program.inputs,
  ...Object.fromEntries(program.groups.map((group) => [stateName(group, 'values'), { shape: [groupSize(group)] }])),
})

/**
 * One step of training. Outputs: `loss` (mean over the batch), `prediction` before the update, `gradient_norm` before
 * clipping, and `next.<group>.<part>` for each input `<group>.<part>`.
 * @param seed of the dropout's fixed numbers
 */
export function trainingStep(
  program: TrainingProgram,
  options: AdamWOptions,
  seed: number,
): (inputs: Tensors) => Tensors {
  return (inputs) => {
    const parameters = program.groups.map((group) => split(group, parameter(inputs, stateName(group, 'values'))))
    const names = parameters.flatMap((tensors) => Object.keys(tensors))
    // Differentiation disposes what the loss function made, so the prediction is kept through it.
    let kept: tf.Tensor | undefined
    const loss = (...trainable: tf.Tensor[]): tf.Scalar => {
      const named = { ...inputs, ...Object.fromEntries(names.map((name, at) => [name, trainable[at] ?? fail()])) }
      const prediction = program.predict(named, dropoutSource(program, inputs, seed))
      kept = tf.keep(prediction)
      return program.loss(prediction, named)
    }
    const { value, grads } = tf.valueAndGrads(loss)(parameters.flatMap((tensors) => Object.values(tensors)))
    const prediction = tf.clone(kept ?? fail())
    tf.dispose(kept ?? [])
    const gradients = joinGradients(parameters, grads)
    const scalars = {
      learningRate: parameter(inputs, 'learning_rate') as tf.Scalar,
      step: parameter(inputs, 'step') as tf.Scalar,
      gradientNorm: globalNorm(gradients),
    }
    const next: Tensors = {}
    for (const [at, group] of program.groups.entries()) {
      const { weightDecay, rateFactor = 1 } = group
      const learningRate = rateFactor === 1 ? scalars.learningRate : tf.mul(scalars.learningRate, rateFactor)
      const own = { ...scalars, learningRate: learningRate as tf.Scalar }
      const updated = adamW(stateOf(group, inputs), gradients[at] ?? fail(), own, weightDecay, options)
      for (const part of STATE_PARTS) next[nextName(stateName(group, part))] = updated[part]
    }
    return { loss: value, prediction, gradient_norm: scalars.gradientNorm, ...next }
  }
}

/** The program's `prediction` without dropout. */
export function evaluationStep(program: TrainingProgram): (inputs: Tensors) => Tensors {
  return (inputs) => {
    const parameters = program.groups.map((group) => split(group, parameter(inputs, stateName(group, 'values'))))
    return { prediction: program.predict(Object.assign({}, inputs, ...parameters)) }
  }
}

/** A step's input `dropout_rows`: a uniform number in [0, 1) for each of `count` tokens, the same for the same seed and step. */
export function dropoutRows(seed: number, step: number, count: number): Float32Array {
  const random = createRandom(seed).fork(`dropout ${step}`)
  return Float32Array.from({ length: count }, () => random.uniform())
}

/** A fresh stream each time the function runs, so that every run (and every trace) draws the same fixed numbers. */
const dropoutSource = (program: TrainingProgram, inputs: Tensors, seed: number): DropoutSource | undefined =>
  program.usesDropout
    ? { rows: parameter(inputs, 'dropout_rows') as tf.Tensor2D, random: createRandom(seed).fork('dropout') }
    : undefined

const stateOf = (group: ParameterGroup, inputs: Tensors): AdamWState => ({
  values: parameter(inputs, stateName(group, 'values')) as tf.Tensor1D,
  m: parameter(inputs, stateName(group, 'm')) as tf.Tensor1D,
  v: parameter(inputs, stateName(group, 'v')) as tf.Tensor1D,
})

/** Cuts a group's flat vector into its named parameters: by slices, since a GPU's kernel takes few outputs at once. */
function split(group: ParameterGroup, flat: tf.Tensor): Tensors {
  let offset = 0
  return Object.fromEntries(
    group.parameters.map(({ name, shape }) => {
      const size = sizeOf(shape)
      const part = tf.slice(flat, [offset], [size])
      offset += size
      return [name, tf.reshape(part, shape)]
    }),
  )
}

/** Lays the gradients of each group end to end. */
function joinGradients(parameters: Tensors[], gradients: tf.Tensor[]): tf.Tensor1D[] {
  let offset = 0
  return parameters.map((tensors) => {
    const count = Object.keys(tensors).length
    const own = gradients.slice(offset, (offset += count))
    return tf.concat(own.map((gradient) => tf.reshape(gradient, [gradient.size]))) as tf.Tensor1D
  })
}

function fail(): never {
  throw new Error('the training step lost a tensor')
}
