/** Where the tokens of a text stand. */
import * as tf from '@tensorflow/tfjs'
import type { TokenBatch } from './family.ts'

/**
 * 0, 1, 2, …: [sequence] int32, the same for all texts.
 * @param most of them that the model has
 */
export const positionsOf = ({ inputIds }: TokenBatch, most: number): tf.Tensor1D =>
  tf.slice(tf.range(0, most, 1, 'int32'), 0, inputIds.shape[1])
