/** The forward pass of decoders in the manner of Llama (Touvron et al. 2023, arXiv:2302.13971), pre-norm, over named layers. */
import * as tf from '@tensorflow/tfjs'
import { modelOf } from '../../core/families.ts'
import type { DecoderFamily } from '../../core/families/decoder.ts'
import { type Decoder, LAST_NORM, TOKENS, decoderBlock } from '../../core/families/decoder-layers.ts'
import type { FamilyFunctions, ForwardOptions, StateOptions, TokenBatch } from '../family.ts'
import { attention, attentionBias, paddingBias } from '../ops/attention.ts'
import { rmsNormalization } from '../ops/rms-normalization.ts'
import { type Rotation, rotationOf } from '../ops/rotary.ts'
import { silu } from '../ops/silu.ts'
import { type Tensors, parameter } from '../parameters.ts'
import { type Select, lastPlace, lastToken, realTokens } from '../pooling.ts'
import { positionsOf } from '../positions.ts'

/** What a pass runs with. */
interface Pass {
  decoder: Decoder
  parameters: Tensors
  options: ForwardOptions
  /** Of keys, which are of all rows. */
  rotation: Rotation
}

/** The rows whose states a block makes, and what they attend to. */
interface Rows {
  select: Select
  queryRotation: Rotation
  /** [batch, 1, rows of a text, sequence] */
  bias: tf.Tensor4D
}

/** A text's last real token stands for it. */
export const decoder = (family: DecoderFamily): FamilyFunctions => ({
  states: (config, parameters, batch, options) =>
    decoderStates(family.decoderOf(config), parameters, batch, { ...options, padTokenId: modelOf(config).padTokenId }),
  head: (_, pooled, { layers }) => layers.linear(pooled, 'score'),
})

/** With `pool`, in the last block all rows but the pooled ones are only keys and values. */
function decoderStates(
  decoder: Decoder,
  parameters: Tensors,
  batch: TokenBatch,
  { padTokenId, pool, ...options }: StateOptions & { padTokenId: number | undefined },
): tf.Tensor2D {
  const { sizes, frequencies } = decoder
  const positions = positionsOf(batch, sizes.positions) // [T]
  const mask: tf.Tensor2D = tf.cast(batch.attentionMask, 'float32')
  const rotation = rotationOf(positions, tf.tensor1d(frequencies))
  const pass = { decoder, parameters, options, rotation }
  const all: Rows = { select: (x) => x, queryRotation: rotation, bias: attentionBias(positions, mask) }
  const last = pool ? lastRows(decoder, positions, mask, realTokens(batch, padTokenId)) : all
  let hidden = options.layers.embedding(batch.inputIds, TOKENS) // [B·T, C]
  for (let layer = 0; layer < sizes.layers; layer++)
    hidden = block(pass, layer, hidden, layer === sizes.layers - 1 ? last : all)
  return normalize(pass, LAST_NORM, hidden)
}

/** Each text's last real token, which looks at those before it and itself. */
function lastRows({ frequencies }: Decoder, positions: tf.Tensor1D, mask: tf.Tensor2D, real: tf.Tensor2D): Rows {
  const place = lastPlace(positions, real) // [B, 1]
  const before = tf.cast(tf.lessEqual(tf.cast(positions, 'float32'), place), 'float32') // [B, T]
  return {
    select: lastToken(positions, real),
    queryRotation: rotationOf(tf.expandDims(place, 2), tf.tensor1d(frequencies)),
    bias: paddingBias(tf.mul(mask, before)),
  }
}

/** One block: the states of its rows, of all rows [batch · sequence, C]. */
function block(pass: Pass, layer: number, input: tf.Tensor2D, { select, queryRotation, bias }: Rows): tf.Tensor2D {
  const { linear } = pass.options.layers
  const { heads, keyValueHeads } = pass.decoder.sizes
  const names = decoderBlock(layer)
  const normalized = normalize(pass, names.attentionNorm, input) // [B·T, C]
  const query = normalizeHeads(pass, names.queryNorm, linear(select(normalized), names.query)) // [rows, H·d]
  const key = normalizeHeads(pass, names.keyNorm, linear(normalized, names.key)) // [B·T, KV·d]
  const value = linear(normalized, names.value) // [B·T, KV·d]
  const { rotation } = pass
  const attended = attention(query, key, value, bias, { heads, keyValueHeads, rotation, queryRotation }) // [rows, H·d]
  const hidden: tf.Tensor2D = tf.add(select(input), linear(attended, names.attentionOutput)) // [rows, C]
  const inner = normalize(pass, names.innerNorm, hidden)
  const gated: tf.Tensor2D = tf.mul(silu(linear(inner, names.gate)), linear(inner, names.up)) // [rows, inner]
  return tf.add(hidden, linear(gated, names.down))
}

/** Each head for itself, in families that do so: [rows, heads · size]. */
function normalizeHeads(pass: Pass, name: string, x: tf.Tensor2D): tf.Tensor2D {
  const { headNorms, sizes } = pass.decoder
  if (!headNorms) return x
  const heads: tf.Tensor2D = tf.reshape(x, [x.size / sizes.headSize, sizes.headSize])
  return tf.reshape(normalize(pass, name, heads), x.shape)
}

const normalize = ({ decoder, parameters }: Pass, name: string, x: tf.Tensor2D) =>
  rmsNormalization(x, parameter(parameters, `${name}.weight`), decoder.normEpsilon)
