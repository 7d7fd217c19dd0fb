/** RoBERTa (Liu et al. 2019) as TF.js functions over named parameters. */
import * as tf from '@tensorflow/tfjs'
import { type BertConfig, encoderOf } from '../../core/families/bert.ts'
import { NAMES, padOf } from '../../core/families/roberta.ts'
import type { FamilyFunctions, TokenBatch } from '../family.ts'
import { dropout } from '../ops/dropout.ts'
import { encoderStates } from './encoder.ts'

/** Places count the tokens that are no padding, from the padding token's id on, which is the place of padding: [batch, sequence]. */
function placesOf({ inputIds }: TokenBatch, pad: number): tf.Tensor2D {
  const real = tf.cast(tf.notEqual(inputIds, tf.scalar(pad, 'int32')), 'float32')
  const place = tf.add(tf.mul(tf.cumsum(real, 1), real), pad)
  return tf.cast(place, 'int32') as tf.Tensor2D
}

export const roberta: FamilyFunctions = {
  states(model, parameters, batch, options) {
    const config = model as BertConfig
    return encoderStates(encoderOf(config, NAMES), parameters, batch, {
      ...options,
      places: placesOf(batch, padOf(config)),
    })
  },
  head(model, first, { layers, dropoutSource }) {
    const config = model as BertConfig
    const rate = config.classifier_dropout ?? config.hidden_dropout_prob
    const drop = (x: tf.Tensor2D) => dropout(x, rate, dropoutSource)
    const hidden: tf.Tensor2D = tf.tanh(layers.linear(drop(first), 'classifier.dense'))
    return layers.linear(drop(hidden), 'classifier.out_proj')
  },
}
