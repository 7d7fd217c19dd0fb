/** Activations by Hugging Face's names. */
import * as tf from '@tensorflow/tfjs'
import { gelu } from './gelu.ts'

/** Elementwise functions by name. */
export const activations: Readonly<Record<string, (x: tf.Tensor2D) => tf.Tensor2D>> = {
  gelu: (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  gelu_new: gelu,
  gelu_pytorch_tanh: gelu,
  relu: (x) => tf.relu(x),
  silu: (x) => tf.mul(x, tf.sigmoid(x)),
}
