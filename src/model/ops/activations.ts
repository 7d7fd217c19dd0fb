/** Activations by the names that `hidden_act` and `activation_function` have in Hugging Face's configurations. */
import * as tf from '@tensorflow/tfjs'
import { gelu } from './gelu.ts'
import { silu } from './silu.ts'

/** Elementwise: the result has its operand's shape. */
export type Activation = (x: tf.Tensor2D) => tf.Tensor2D

const geluTanh: Activation = (x) => gelu(x, { approximate: 'tanh' })

export const activations = {
  gelu: (x) => gelu(x, { approximate: 'none' }),
  gelu_new: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  relu: (x) => tf.relu(x),
  silu: (x) => silu(x),
  tanh: (x) => tf.tanh(x),
} satisfies Record<string, Activation>

export type ActivationName = keyof typeof activations
