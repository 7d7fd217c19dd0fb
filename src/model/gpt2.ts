/** GPT-2 (Radford et al. 2019) as TF.js functions over named parameters, with the tensor names of Hugging Face's checkpoints. */
import * as tf from '@tensorflow/tfjs'
import type { GPT2Config } from '../core/config.ts'
import { TOKEN_EMBEDDING } from '../core/layers.ts'
import { padToken } from '../core/encoder.ts'
import type { Layers } from './layers.ts'
import { attentionBias, causalAttention } from './ops/attention.ts'
import { type DropoutSource, dropout } from './ops/dropout.ts'
import { gelu } from './ops/gelu.ts'
import { gemm } from './ops/gemm.ts'
import { layerNormalization } from './ops/layer-normalization.ts'
import { type Tensors, parameter } from './parameters.ts'

export interface TokenBatch {
  /** [batch, sequence] int32 */
  inputIds: tf.Tensor2D
  /** [batch, sequence] int32: 1 for real tokens, 0 for padding */
  attentionMask: tf.Tensor2D
}

/** A batch's tokens among named tensors. */
export const tokenBatch = (tensors: Tensors): TokenBatch => ({
  inputIds: parameter(tensors, 'input_ids') as tf.Tensor2D,
  attentionMask: parameter(tensors, 'attention_mask') as tf.Tensor2D,
})

export interface ForwardOptions {
  /** How embedding and linear layers are applied: plain, or with LoRA. */
  layers: Layers
  /** Random numbers for embedding and residual dropout; none in evaluation and where the base is frozen. */
  dropoutSource?: DropoutSource | undefined
}

/**
 * Class scores of each text: the last real token's hidden state through the `score` head, and `score.bias` [labels] where
 * there is one.
 * @param score [labels, n_embd], or [batch, labels, n_embd] where each row has a head of its own
 * @returns logits [batch, labels]
 */
export function classify(
  config: GPT2Config,
  parameters: Tensors,
  batch: TokenBatch,
  score: tf.Tensor,
  options: ForwardOptions,
): tf.Tensor2D {
  const pooled = hiddenStates(config, parameters, batch, { ...options, pool: true }) // [B, C]
  if (score.rank === 2) return gemm(pooled, score, parameters['score.bias'], { transposeB: true })
  return tf.reshape(tf.matMul(score, tf.expandDims(pooled, 2)), [batch.inputIds.shape[0], score.shape[1] ?? 0])
}

/**
 * The model without a head: embeddings, blocks and the last normalization.
 * @param pool only each text's last real token: from the last attention on, no other row is computed
 * @returns [batch · sequence, n_embd], or [batch, n_embd] with `pool`
 */
export function hiddenStates(
  config: GPT2Config,
  parameters: Tensors,
  batch: TokenBatch,
  { pool, ...options }: ForwardOptions & { pool: boolean },
): tf.Tensor2D {
  const { inputIds, attentionMask } = batch
  const positions: tf.Tensor1D = tf.slice(tf.range(0, config.n_positions, 1, 'int32'), 0, inputIds.shape[1])
  const mask = tf.cast(attentionMask, 'float32') as tf.Tensor2D
  const bias = attentionBias(positions, mask)
  const select = pool ? lastToken(positions, realTokens(batch, padToken(config))) : undefined
  let hidden = embed(config, parameters, inputIds, positions, options) // [B·T, C]
  for (let layer = 0; layer < config.n_layer; layer++) {
    const isLast = layer === config.n_layer - 1
    hidden = block(config, parameters, `transformer.h.${layer}`, hidden, bias, options, isLast ? select : undefined)
  }
  return normalize(config, parameters, 'transformer.ln_f', hidden)
}

/** Token and position embeddings: [batch · sequence, n_embd]. */
function embed(
  config: GPT2Config,
  parameters: Tensors,
  inputIds: tf.Tensor2D,
  positions: tf.Tensor1D,
  { layers, dropoutSource }: ForwardOptions,
): tf.Tensor2D {
  const [rows, sequence] = inputIds.shape
  const tokens = layers.embedding(inputIds, TOKEN_EMBEDDING) // [B·T, C]
  const places = tf.gather(parameter(parameters, 'transformer.wpe.weight'), positions) // [T, C]
  const sum = tf.add(tf.reshape(tokens, [rows, sequence, config.n_embd]), places)
  return dropout(tf.reshape(sum, [rows * sequence, config.n_embd]), config.embd_pdrop, dropoutSource)
}

/** One pre-norm transformer block; `select` keeps one row of each text after attention. */
function block(
  config: GPT2Config,
  parameters: Tensors,
  name: string,
  input: tf.Tensor2D,
  bias: tf.Tensor4D,
  { layers: { linear }, dropoutSource }: ForwardOptions,
  select: ((rows: tf.Tensor2D) => tf.Tensor2D) | undefined,
): tf.Tensor2D {
  const residual = (x: tf.Tensor2D, update: tf.Tensor2D): tf.Tensor2D =>
    tf.add(x, dropout(update, config.resid_pdrop, dropoutSource))
  const qkv = linear(normalize(config, parameters, `${name}.ln_1`, input), `${name}.attn.c_attn`) // [B·T, 3C]
  const attended = causalAttention(qkv, bias, config.n_head) // [B·T, C]
  const [context, skip] = select ? [select(attended), select(input)] : [attended, input]
  const hidden = residual(skip, linear(context, `${name}.attn.c_proj`))
  const inner = gelu(linear(normalize(config, parameters, `${name}.ln_2`, hidden), `${name}.mlp.c_fc`))
  return residual(hidden, linear(inner, `${name}.mlp.c_proj`))
}

const normalize = (config: GPT2Config, parameters: Tensors, name: string, x: tf.Tensor2D) =>
  layerNormalization(
    x,
    parameter(parameters, `${name}.weight`),
    parameter(parameters, `${name}.bias`),
    config.layer_norm_epsilon,
  )

/** [batch, sequence]: 1 for tokens that are neither masked nor the pad token. A text's own pad tokens end it, as in transformers. */
const realTokens = ({ inputIds, attentionMask }: TokenBatch, padTokenId: number): tf.Tensor2D =>
  tf.mul(tf.cast(attentionMask, 'float32'), tf.cast(tf.notEqual(inputIds, tf.scalar(padTokenId, 'int32')), 'float32'))

/**
 * Selects each text's rightmost real token, or its first token where none is real: [batch · sequence, C] → [batch, C]. A
 * product with a one-hot matrix, so that its gradient is a product too.
 */
function lastToken(positions: tf.Tensor1D, real: tf.Tensor2D): (rows: tf.Tensor2D) => tf.Tensor2D {
  const [batch, sequence] = real.shape
  const place = tf.mul(tf.cast(positions, 'float32'), tf.sub(tf.mul(real, 2), 1)) // what is not real counts -position
  const oneHot = tf.cast(tf.equal(place, tf.max(place, 1, true)), 'float32')
  const selector = tf.reshape(oneHot, [batch, 1, sequence])
  return (rows) => {
    const channels = rows.shape[1]
    return tf.reshape(tf.matMul(selector, tf.reshape(rows, [batch, sequence, channels])), [batch, channels])
  }
}
