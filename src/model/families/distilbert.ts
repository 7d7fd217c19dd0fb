/** DistilBERT (Sanh et al. 2019) as TF.js functions over named parameters. */
import * as tf from '@tensorflow/tfjs'
import { type DistilBertConfig, encoderOf } from '../../core/families/distilbert.ts'
import type { FamilyFunctions } from '../family.ts'
import { dropout } from '../ops/dropout.ts'
import { positionsOf } from '../positions.ts'
import { encoderStates } from './encoder.ts'

export const distilbert: FamilyFunctions = {
  states(model, parameters, batch, options) {
    const config = model as DistilBertConfig
    const places = positionsOf(batch, config.max_position_embeddings)
    return encoderStates(encoderOf(config), parameters, batch, { ...options, places })
  },
  head(model, first, { layers, dropoutSource }) {
    const config = model as DistilBertConfig
    const hidden: tf.Tensor2D = tf.relu(layers.linear(first, 'pre_classifier'))
    return layers.linear(dropout(hidden, config.seq_classif_dropout, dropoutSource), 'classifier')
  },
}
