/** AdamW with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101), as a pure update of flat vectors. */
import * as tf from '@tensorflow/tfjs'

export interface AdamWOptions {
  beta1: number
  beta2: number
  epsilon: number
  /** Largest L2 norm of all gradients together; longer ones are scaled down to it. */
  maxGradientNorm: number
}

export const ADAMW_DEFAULTS: AdamWOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, maxGradientNorm: 1 }

/** A group's parameters and their first and second moments: [size] each. */
export interface AdamWState {
  values: tf.Tensor1D
  m: tf.Tensor1D
  v: tf.Tensor1D
}

/** What a step's update needs besides gradients: scalars, computed once for all groups. */
export interface StepScalars {
  learningRate: tf.Scalar
  /** 1 for the first step. */
  step: tf.Scalar
  gradientNorm: tf.Scalar
}

/** L2 norm over all gradients. */
export const globalNorm = (gradients: tf.Tensor[]): tf.Scalar =>
  tf.sqrt(tf.addN(gradients.map((gradient) => tf.sum(tf.square(gradient))))) as tf.Scalar

/**
 * One AdamW update. Clipping and bias correction are folded into scalars, so each vector is passed over as few times
 * as can be.
 * @param gradient [size], not yet clipped
 * @param weightDecay fraction of lr · values that is subtracted
 */
export function adamW(
  { values, m, v }: AdamWState,
  gradient: tf.Tensor1D,
  { learningRate, step, gradientNorm }: StepScalars,
  weightDecay: number,
  { beta1, beta2, epsilon, maxGradientNorm }: AdamWOptions,
): AdamWState {
  const clip = tf.minimum(tf.div(maxGradientNorm, tf.add(gradientNorm, 1e-6)), 1)
  const correction1 = tf.sub(1, tf.pow(beta1, step))
  const correction2 = tf.sqrt(tf.sub(1, tf.pow(beta2, step)))
  const nextM: tf.Tensor1D = tf.add(tf.mul(m, beta1), tf.mul(gradient, tf.mul(clip, 1 - beta1)))
  const nextV: tf.Tensor1D = tf.add(tf.mul(v, beta2), tf.mul(tf.square(gradient), tf.mul(tf.square(clip), 1 - beta2)))
  const size = tf.div(tf.mul(learningRate, correction2), correction1)
  const update = tf.mul(tf.div(nextM, tf.add(tf.sqrt(nextV), tf.mul(correction2, epsilon))), size)
  const decayed = weightDecay === 0 ? values : tf.mul(values, tf.sub(1, tf.mul(learningRate, weightDecay)))
  return { values: tf.sub(decayed, update), m: nextM, v: nextV }
}
