/** The forward pass of decoders in the manner of Llama (Touvron et al. 2023, arXiv:2302.13971), pre-norm, over named layers. */
import * as tf from '@tensorflow/tfjs'
import { modelOf } from '../../core/families.ts'
import { type Decoder, type DecoderFamily, LAST_NORM, TOKENS, decoderBlock } from '../../core/families/decoder.ts'
import type { FamilyFunctions, ForwardOptions, TokenBatch } from '../family.ts'
import { attention, attentionBias, paddingBias } from '../ops/attention.ts'
import { rmsNormalization } from '../ops/rms-normalization.ts'
import { type Rotation, rotary, rotationOf } from '../ops/rotary.ts'
import { silu } from '../ops/silu.ts'
import { type Tensors, parameter } from '../parameters.ts'
import { lastPlace, lastToken, realTokens } from '../pooling.ts'
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
  /** Takes them from all rows: [batch · sequence, channels] → [rows, channels]. */
  select(x: tf.Tensor2D): tf.Tensor2D
  rotation: Rotation
  /** [batch, 1, rows of a text, sequence] */
  bias: tf.Tensor4D
}

/** Class scores: each text's last real token's state through the `score` head. */
export const decoder = (family: DecoderFamily): FamilyFunctions => ({
  classify(config, parameters, batch, options) {
    const { padTokenId } = modelOf(config)
    const state = lastState(family.decoderOf(config), parameters, batch, { ...options, padTokenId }) // [B, C]
    return options.layers.linear(state, 'score')
  },
})

/**
 * The state of each text's last real token: in the last block, other rows are only keys and values.
 * @returns [batch, C]
 */
function lastState(
  decoder: Decoder,
  parameters: Tensors,
  batch: TokenBatch,
  { padTokenId, ...options }: ForwardOptions & { padTokenId: number | undefined },
): tf.Tensor2D {
  const { sizes, frequencies } = decoder
  const positions = positionsOf(batch, sizes.positions) // [T]
  const rotationAt = (places: tf.Tensor1D) => rotationOf(places, tf.tensor1d(frequencies))
  const mask: tf.Tensor2D = tf.cast(batch.attentionMask, 'float32')
  const real = realTokens(batch, padTokenId)
  const place = lastPlace(positions, real) // [B]
  const all: Rows = { select: (x) => x, rotation: rotationAt(positions), bias: attentionBias(positions, mask) }
  const last: Rows = {
    select: lastToken(positions, real),
    rotation: rotationAt(place),
    bias: paddingBias(tf.mul(mask, upTo(place, positions))),
  }
  const pass = { decoder, parameters, options, rotation: all.rotation }
  let hidden = options.layers.embedding(batch.inputIds, TOKENS) // [B·T, C]
  for (let layer = 0; layer < sizes.layers; layer++)
    hidden = block(pass, layer, hidden, layer === sizes.layers - 1 ? last : all)
  return normalize(pass, LAST_NORM, hidden)
}

/** 1 for the positions of each text that are not behind a place: [batch, sequence]. */
const upTo = (place: tf.Tensor1D, positions: tf.Tensor1D): tf.Tensor2D =>
  tf.cast(tf.lessEqual(tf.cast(positions, 'float32'), tf.expandDims(place, 1)), 'float32')

/** One block: the rows that it makes of all rows [batch · sequence, C]. */
function block(pass: Pass, layer: number, input: tf.Tensor2D, { select, rotation, bias }: Rows): tf.Tensor2D {
  const { linear } = pass.options.layers
  const { heads, keyValueHeads } = pass.decoder.sizes
  const names = decoderBlock(layer)
  const normalized = normalize(pass, names.attentionNorm, input) // [B·T, C]
  const query = turn(pass, linear(select(normalized), names.query), names.queryNorm, rotation) // [rows, H·d]
  const key = turn(pass, linear(normalized, names.key), names.keyNorm, pass.rotation) // [B·T, KV·d]
  const value = linear(normalized, names.value) // [B·T, KV·d]
  const attended = attention(query, key, value, bias, { heads, keyValueHeads }) // [rows, H·d]
  const hidden: tf.Tensor2D = tf.add(select(input), linear(attended, names.attentionOutput)) // [rows, C]
  const inner = normalize(pass, names.innerNorm, hidden)
  const gated: tf.Tensor2D = tf.mul(silu(linear(inner, names.gate)), linear(inner, names.up)) // [rows, inner]
  return tf.add(hidden, linear(gated, names.down))
}

/** Queries or keys turned by their positions, normalized before where the family does so: [rows, heads · size]. */
function turn(pass: Pass, x: tf.Tensor2D, norm: string, rotation: Rotation): tf.Tensor2D {
  const { headNorms, sizes } = pass.decoder
  const [rows, channels] = x.shape
  const [places] = rotation.cos.shape // a text's, or all texts' last ones
  const heads = channels / sizes.headSize
  const single: tf.Tensor2D = tf.reshape(x, [rows * heads, sizes.headSize])
  const normalized = headNorms ? normalize(pass, norm, single) : single
  const turned = rotary(tf.reshape(normalized, [rows / places, places, heads, sizes.headSize]), rotation)
  return tf.reshape(turned, [rows, channels])
}

const normalize = ({ decoder, parameters }: Pass, name: string, x: tf.Tensor2D) =>
  rmsNormalization(x, parameter(parameters, `${name}.weight`), decoder.normEpsilon)
