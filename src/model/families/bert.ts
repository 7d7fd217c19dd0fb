/** BERT (Devlin et al. 2019) as TF.js functions over named parameters. */
import * as tf from '@tensorflow/tfjs'
import { type BertConfig, NAMES, POOLER, encoderOf } from '../../core/families/bert.ts'
import type { FamilyFunctions } from '../family.ts'
import { dropout } from '../ops/dropout.ts'
import { positionsOf } from '../positions.ts'
import { firstTokenState } from './encoder.ts'

export const bert: FamilyFunctions = {
  classify(model, parameters, batch, options) {
    const config = model as BertConfig
    const { linear } = options.layers
    const places = positionsOf(batch, config.max_position_embeddings)
    const first = firstTokenState(encoderOf(config, NAMES), parameters, batch, { ...options, places }) // [B, C]
    const pooled = tf.tanh(linear(first, POOLER))
    const rate = config.classifier_dropout ?? config.hidden_dropout_prob
    return linear(dropout(pooled, rate, options.dropoutSource), 'classifier')
  },
}
