/** How a family of models computes: TF.js functions over named parameters. Each is one file in `families/`. */
import type * as tf from '@tensorflow/tfjs'
import type { ModelConfig } from '../core/family.ts'
import type { Layers } from './layers.ts'
import type { DropoutSource } from './ops/dropout.ts'
import { type Tensors, parameter } from './parameters.ts'

export interface TokenBatch {
  /** [batch, sequence] int32 */
  inputIds: tf.Tensor2D
  /** [batch, sequence] int32: 1 for real tokens, 0 for padding */
  attentionMask: tf.Tensor2D
  /** [batch, sequence] int32: which of two texts a token is of, for families that tell them apart; without, it is the first. */
  tokenTypeIds?: tf.Tensor2D | undefined
}

/** A batch's tokens among named tensors. */
export const tokenBatch = (tensors: Tensors): TokenBatch => ({
  inputIds: parameter(tensors, 'input_ids') as tf.Tensor2D,
  attentionMask: parameter(tensors, 'attention_mask') as tf.Tensor2D,
  tokenTypeIds: tensors['token_type_ids'] as tf.Tensor2D | undefined,
})

export interface ForwardOptions {
  /** How embedding and linear layers are applied: plain, or with LoRA. */
  layers: Layers
  /** Random numbers for embedding and residual dropout; none in evaluation and where the base is frozen. */
  dropoutSource?: DropoutSource | undefined
}

export interface StateOptions extends ForwardOptions {
  /** Only what the head reads of a text, by its first or last token: from the last attention on, no other row is computed. */
  pool: boolean
}

export interface FamilyFunctions {
  /**
   * The model without a head.
   * @param config as the family's `parse` gave it
   * @param parameters by the names of the checkpoint; those that `options.layers` applies may be elsewhere
   * @returns [batch · sequence, width], or [batch, width] with `pool`
   */
  states(config: ModelConfig, parameters: Tensors, batch: TokenBatch, options: StateOptions): tf.Tensor2D
  /**
   * The classifier's head.
   * @param pooled the states of texts [batch, width]
   * @returns logits [batch, labels]
   */
  head(config: ModelConfig, pooled: tf.Tensor2D, options: ForwardOptions): tf.Tensor2D
}
