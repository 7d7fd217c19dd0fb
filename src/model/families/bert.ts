/** BERT (Devlin et al. 2019) as TF.js functions over named parameters. */
import * as tf from '@tensorflow/tfjs'
import { type BertConfig, NAMES, POOLER, encoderOf } from '../../core/families/bert.ts'
import type { FamilyFunctions } from '../family.ts'
import { dropout } from '../ops/dropout.ts'
import { positionsOf } from '../positions.ts'
import { encoderStates } from './encoder.ts'

export const bert: FamilyFunctions = {
  states(model, parameters, batch, options) {
    const config = model as BertConfig
    const places = positionsOf(batch, config.max_position_embeddings)
    const rows = encoderStates(encoderOf(config, NAMES), parameters, batch, { ...options, places })
    return options.pool ? tf.tanh(options.layers.linear(rows, POOLER)) : rows
  },
  head(model, pooled, { layers, dropoutSource }) {
    const config = model as BertConfig
    const rate = config.classifier_dropout ?? config.hidden_dropout_prob
    return layers.linear(dropout(pooled, rate, dropoutSource), 'classifier')
  },
}
