/** DistilBERT (Sanh et al. 2019) as TF.js functions over named parameters. */
import * as tf from '@tensorflow/tfjs'
import { type DistilBertConfig, encoderOf } from '../../core/families/distilbert.ts'
import type { FamilyFunctions } from '../family.ts'
import { dropout } from '../ops/dropout.ts'
import { positionsOf } from '../positions.ts'
import { firstTokenState } from './encoder.ts'

export const distilbert: FamilyFunctions = {
  classify(model, parameters, batch, options) {
    const config = model as DistilBertConfig
    const { linear } = options.layers
    const places = positionsOf(batch, config.max_position_embeddings)
    const first = firstTokenState(encoderOf(config), parameters, batch, { ...options, places }) // [B, C]
    const hidden: tf.Tensor2D = tf.relu(linear(first, 'pre_classifier'))
    return linear(dropout(hidden, config.seq_classif_dropout, options.dropoutSource), 'classifier')
  },
}
