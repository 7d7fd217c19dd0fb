/** The layers of decoders in the manner of Llama: their sizes, names and parameters. */
import type { Parameter } from '../family.ts'
import { embedding, linear, normalization } from './parts.ts'

/** A decoder as its forward pass needs it. */
export interface Decoder {
  sizes: DecoderSizes
  /** Whether each head's queries and keys are normalized. */
  headNorms: boolean
  normEpsilon: number
  /** [headSize / 2]: radians a position of each pair of channels. */
  frequencies: number[]
}

export interface DecoderSizes {
  width: number
  layers: number
  heads: number
  keyValueHeads: number
  /** Channels of a head. */
  headSize: number
  /** Width of the feed-forward layer. */
  inner: number
  positions: number
  vocabulary: number
}

/** What families differ by. */
interface DecoderVariant {
  biases: DecoderBiases
  headNorms: boolean
  /** Standard deviation of the weights' starting values. */
  deviation: number
}

/** The layers that have biases: those of queries, keys and values, the one behind attention, and the feed-forward ones. */
export interface DecoderBiases {
  attention: boolean
  output: boolean
  inner: boolean
}

export const TOKENS = 'model.embed_tokens'
export const LAST_NORM = 'model.norm'

/** Names of one block's layers. */
export function decoderBlock(layer: number) {
  const name = `model.layers.${layer}`
  return {
    attentionNorm: `${name}.input_layernorm`,
    query: `${name}.self_attn.q_proj`,
    queryNorm: `${name}.self_attn.q_norm`,
    key: `${name}.self_attn.k_proj`,
    keyNorm: `${name}.self_attn.k_norm`,
    value: `${name}.self_attn.v_proj`,
    attentionOutput: `${name}.self_attn.o_proj`,
    innerNorm: `${name}.post_attention_layernorm`,
    gate: `${name}.mlp.gate_proj`,
    up: `${name}.mlp.up_proj`,
    down: `${name}.mlp.down_proj`,
  }
}

/** All parameters, in model order: weights begin at N(0, deviation²). */
export function decoderParameters(sizes: DecoderSizes, { biases, headNorms, deviation }: DecoderVariant): Parameter[] {
  const { width, layers, heads, keyValueHeads, headSize, inner, vocabulary } = sizes
  const dense = (name: string, [input, out]: [input: number, out: number], bias: boolean) =>
    linear(name, { in: input, out, layout: 'out-in', deviation, bias })
  const scale = (name: string, channels: number) => normalization(name, channels, { bias: false })
  const block = (names: ReturnType<typeof decoderBlock>) => [
    ...dense(names.query, [width, heads * headSize], biases.attention),
    ...dense(names.key, [width, keyValueHeads * headSize], biases.attention),
    ...dense(names.value, [width, keyValueHeads * headSize], biases.attention),
    ...dense(names.attentionOutput, [heads * headSize, width], biases.output),
    ...(headNorms ? [names.queryNorm, names.keyNorm].flatMap((name) => scale(name, headSize)) : []),
    ...dense(names.gate, [width, inner], biases.inner),
    ...dense(names.up, [width, inner], biases.inner),
    ...dense(names.down, [inner, width], biases.inner),
    ...scale(names.attentionNorm, width),
    ...scale(names.innerNorm, width),
  ]
  return [
    embedding(TOKENS, [vocabulary, width], deviation, 'token-embedding'),
    ...Array.from({ length: layers }, (_, layer) => block(decoderBlock(layer))).flat(),
    ...scale(LAST_NORM, width),
  ]
}
