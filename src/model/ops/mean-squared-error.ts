/** Mean squared error, for texts that have a number each. */
import * as tf from '@tensorflow/tfjs'

/**
 * Mean over rows of (x - y)², as PyTorch's MSELoss.
 * @param logits [rows, 1]
 * @param numbers [rows]
 */
export const meanSquaredError = (logits: tf.Tensor2D, numbers: tf.Tensor1D): tf.Scalar =>
  tf.mean(tf.square(tf.sub(tf.reshape(logits, [-1]), numbers)))
