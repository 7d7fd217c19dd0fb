/** Softmax cross-entropy. */
import * as tf from '@tensorflow/tfjs'

/**
 * Mean over rows of -log softmax(logits)[label].
 * @param logits [rows, labels]
 * @param labels [rows] int32
 */
export function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar {
  const target = tf.oneHot(labels, logits.shape[1], 1, 0, 'float32')
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), target), -1)))
}
