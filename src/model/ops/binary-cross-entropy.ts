/** Binary cross-entropy of sigmoids, for labels of which a row may have any number. */
import * as tf from '@tensorflow/tfjs'

/**
 * Mean over rows and labels of -y log σ(x) - (1 - y) log(1 - σ(x)), as PyTorch's BCEWithLogitsLoss: log(1 + exp(x)) - xy, which
 * overflows nowhere.
 * @param logits [rows, labels]
 * @param labels [rows, labels], 1 or 0
 */
export const binaryCrossEntropy = (logits: tf.Tensor2D, labels: tf.Tensor2D): tf.Scalar =>
  tf.mean(tf.sub(tf.softplus(logits), tf.mul(logits, labels)))
