/** Training of all weights such that a text's state, through a matrix that is not kept, is the teacher's vector of the text. */
import * as tf from '@tensorflow/tfjs'
import { modelOf } from '../../core/families.ts'
import type { ModelConfig } from '../../core/family.ts'
import { normal } from '../../core/initialize.ts'
import type { Random } from '../../core/random.ts'
import type { TensorMap } from '../../core/tensors.ts'
import { states } from '../../model/families.ts'
import { tokenBatch } from '../../model/family.ts'
import { denseLayers } from '../../model/layers.ts'
import { gemm } from '../../model/ops/gemm.ts'
import { logSumExp } from '../../model/ops/log-sum-exp.ts'
import { parameter } from '../../model/parameters.ts'
import { TOKEN_INPUTS, type TrainingProgram, allParameterGroups } from '../program.ts'

/** The matrix between a student's state and its teacher's vector: [width of the teacher, width of the student]. */
export const TEACHER_HEAD = 'teacher.weight'

/** What similarities are divided by before the softmax over a batch's vectors. */
const TEMPERATURE = 0.05

export interface DistillationOptions {
  config: ModelConfig
  /** The student, without a head. */
  weights: TensorMap
  /** Numbers of the teacher's vectors. */
  teacherWidth: number
  weightDecay: number
  random: Random
}

/** Predicts vectors of length 1 [batch, teacherWidth]. */
export function distillationProgram(options: DistillationOptions): TrainingProgram {
  const { config, weights, teacherWidth, weightDecay, random } = options
  const { width } = modelOf(config).sizes
  const head = normal([teacherWidth, width], 1 / Math.sqrt(width), random)
  const initial: TensorMap = new Map([...weights, [TEACHER_HEAD, head]])
  return {
    groups: allParameterGroups(config, initial, weightDecay),
    initial,
    frozen: new Map(),
    usesDropout: modelOf(config).usesDropout,
    inputs: TOKEN_INPUTS,
    targets: { teacher_vectors: { shape: ['batch', teacherWidth] } },
    predict(tensors, dropoutSource) {
      const layers = denseLayers(config, tensors)
      const pooled = states(config, tensors, tokenBatch(tensors), { layers, dropoutSource, pool: true }) // [B, C]
      const vectors = gemm(pooled, parameter(tensors, TEACHER_HEAD), undefined, { transposeB: true }) // [B, D]
      return tf.div(vectors, tf.sqrt(tf.add(tf.sum(tf.square(vectors), 1, true), 1e-12)))
    },
    loss(prediction, tensors) {
      const teacher = parameter(tensors, 'teacher_vectors') as tf.Tensor2D // [B, D]
      const own = tf.sum(tf.mul(prediction, teacher), 1) // [B]
      const all: tf.Tensor2D = tf.div(
        gemm(prediction as tf.Tensor2D, teacher, undefined, { transposeB: true }),
        TEMPERATURE,
      )
      const contrast = tf.mean(tf.sub(logSumExp(all), tf.div(own, TEMPERATURE)))
      return tf.add(tf.sub(1, tf.mean(own)), contrast)
    },
  }
}
