/** GPT-2 (Radford et al. 2019) as TF.js functions over named parameters. */
import * as tf from '@tensorflow/tfjs'
import { type GPT2Config, gpt2 as family } from '../../core/families/gpt2.ts'
import type { ModelConfig } from '../../core/family.ts'
import type { ForwardOptions, FamilyFunctions, StateOptions, TokenBatch } from '../family.ts'
import { attentionBias, causalAttention } from '../ops/attention.ts'
import { dropout } from '../ops/dropout.ts'
import { gelu } from '../ops/gelu.ts'
import { layerNormalization } from '../ops/layer-normalization.ts'
import { type Tensors, parameter } from '../parameters.ts'
import { type Select, lastToken, realTokens } from '../pooling.ts'
import { positionsOf } from '../positions.ts'

/** Embeddings, blocks and the last normalization; a text's last real token stands for it. */
function states(
  model: ModelConfig,
  parameters: Tensors,
  batch: TokenBatch,
  { pool, ...options }: StateOptions,
): tf.Tensor2D {
  const config = model as GPT2Config
  const { inputIds, attentionMask } = batch
  const positions = positionsOf(batch, config.n_positions)
  const mask = tf.cast(attentionMask, 'float32') as tf.Tensor2D
  const bias = attentionBias(positions, mask)
  const select = pool ? lastToken(positions, realTokens(batch, family.describe(config).padTokenId)) : undefined
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
  const tokens = layers.embedding(inputIds, 'transformer.wte') // [B·T, C]
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
  select: Select | undefined,
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

export const gpt2: FamilyFunctions = {
  states,
  head: (_, pooled, { layers }) => layers.linear(pooled, 'score'),
}
