/** The forward pass of encoders in the manner of BERT (Devlin et al. 2019), post-norm, over the layers that a family names. */
import * as tf from '@tensorflow/tfjs'
import type { Encoder } from '../../core/families/encoder.ts'
import type { ForwardOptions, StateOptions, TokenBatch } from '../family.ts'
import { activations } from '../ops/activations.ts'
import { paddingBias, attention } from '../ops/attention.ts'
import { dropout } from '../ops/dropout.ts'
import { layerNormalization } from '../ops/layer-normalization.ts'
import { type Tensors, parameter } from '../parameters.ts'
import { type Select, firstToken } from '../pooling.ts'
import { positionsOf } from '../positions.ts'

/** What a pass runs with. */
interface Pass {
  encoder: Encoder
  parameters: Tensors
  options: ForwardOptions
}

/**
 * The model without a head; a text's first token stands for it.
 * @param places the rows of the position embedding: [sequence], or [batch, sequence], int32
 * @returns [batch · sequence, C], or [batch, C] with `pool`
 */
export function encoderStates(
  encoder: Encoder,
  parameters: Tensors,
  batch: TokenBatch,
  { places, pool, ...options }: StateOptions & { places: tf.Tensor1D | tf.Tensor2D },
): tf.Tensor2D {
  const pass = { encoder, parameters, options }
  const select = pool ? firstToken(batch, positionsOf(batch, encoder.sizes.positionRows)) : undefined
  const bias = paddingBias(tf.cast(batch.attentionMask, 'float32'))
  const { layers } = encoder.sizes
  let hidden = embed(pass, batch, places) // [B·T, C]
  for (let layer = 0; layer < layers; layer++) {
    hidden = block(pass, layer, hidden, bias, layer === layers - 1 ? select : undefined)
  }
  return hidden
}

/** The sum of what a token, its place and its type give, normalized: [batch · sequence, C]. */
function embed(pass: Pass, { inputIds, tokenTypeIds }: TokenBatch, places: tf.Tensor1D | tf.Tensor2D): tf.Tensor2D {
  const { encoder, parameters, options } = pass
  const { names, sizes } = encoder
  const [rows, sequence] = inputIds.shape
  const table = (name: string) => parameter(parameters, `${name}.weight`)
  const tokens = options.layers.embedding(inputIds, names.words) // [B·T, C]
  let sum = tf.add(tf.reshape(tokens, [rows, sequence, sizes.width]), tf.gather(table(names.positions), places)) // [B, T, C]
  if (sizes.types > 0) {
    const types = tokenTypeIds ?? tf.tensor1d([0], 'int32') // [B, T], or of all texts
    sum = tf.add(sum, tf.gather(table(names.types), types))
  }
  const flat: tf.Tensor2D = tf.reshape(sum, [rows * sequence, sizes.width])
  return drop(pass, normalize(pass, names.norm, flat))
}

/** One post-norm block; `select` keeps one row of each text as the one that attends. */
function block(
  pass: Pass,
  layer: number,
  input: tf.Tensor2D,
  bias: tf.Tensor4D,
  select: Select = (x) => x,
): tf.Tensor2D {
  const { encoder, options } = pass
  const { linear } = options.layers
  const names = encoder.names.block(layer)
  const update = (x: tf.Tensor2D, change: tf.Tensor2D, norm: string) =>
    normalize(pass, norm, tf.add(x, drop(pass, change)))
  const own = select(input) // [B·T, C], or [B, C]
  const query = linear(own, names.query)
  const attended = attention(query, linear(input, names.key), linear(input, names.value), bias, {
    heads: encoder.sizes.heads,
  })
  const hidden = update(own, linear(attended, names.attentionOutput), names.attentionNorm)
  const inner = activations[encoder.activation](linear(hidden, names.intermediate)) // [B·T, inner]
  return update(hidden, linear(inner, names.output), names.outputNorm)
}

const drop = ({ encoder, options }: Pass, x: tf.Tensor2D) => dropout(x, encoder.dropout, options.dropoutSource)

const normalize = ({ encoder, parameters }: Pass, name: string, x: tf.Tensor2D) =>
  layerNormalization(
    x,
    parameter(parameters, `${name}.weight`),
    parameter(parameters, `${name}.bias`),
    encoder.normEpsilon,
  )
