/** Cases of activations and what their gradients call. */
import * as tf from '@tensorflow/tfjs'
import { given } from '../compare.ts'
import { type Cases, SPECIAL, binary, f32, few, i32, unary, within } from './cases.ts'

export const activations: Cases = {
  Elu: unary(tf.elu),
  LeakyRelu: [...unary(tf.leakyRelu, f32, i32), ...unary((x) => tf.leakyRelu(x, 0.3))],
  Relu: unary(tf.relu, f32, i32),
  Relu6: unary(tf.relu6, within(-9, 9), i32),
  Selu: unary(tf.selu),
  Sigmoid: unary(tf.sigmoid),
  Softplus: [...unary(tf.softplus), { fn: tf.softplus, inputs: [[given([-90, -20, 20, 90])]] }],
  Step: [...unary((x) => tf.step(x, 0.2), f32), { fn: (x) => tf.step(x), inputs: [[SPECIAL], [few([6])]] }],
  Tanh: unary(tf.tanh),
  Prelu: binary(tf.prelu),
  EluGrad: [
    { fn: (x, dy) => tf.grad((t: tf.Tensor) => tf.elu(t))(x, dy), inputs: [[f32(['batch', 3]), f32(['batch', 3])]] },
  ],
}
