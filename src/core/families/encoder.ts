/** Encoders in the manner of BERT: what its family and those that differ by names and little else have in common. */
import type * as z from 'zod/mini'
import type { Parameter } from '../family.ts'
import { type activation, embedding, linear, normalization } from './parts.ts'

export interface EncoderSizes {
  width: number
  layers: number
  heads: number
  /** Width of the feed-forward layer. */
  inner: number
  vocabulary: number
  /** Rows of the position embedding. */
  positionRows: number
  /** Rows of the embedding of token types; 0 where there is none. */
  types: number
}

/** Names of one block's layers. */
export interface EncoderBlock {
  query: string
  key: string
  value: string
  attentionOutput: string
  attentionNorm: string
  intermediate: string
  output: string
  outputNorm: string
}

/** Names of an encoder's layers. */
export interface EncoderNames {
  words: string
  positions: string
  types: string
  norm: string
  block(layer: number): EncoderBlock
}

/** An encoder as its forward pass needs it. */
export interface Encoder {
  sizes: EncoderSizes
  names: EncoderNames
  /** By Hugging Face's name. */
  activation: z.infer<typeof activation>
  normEpsilon: number
  /** Share of an update that is dropped out where all is trained. */
  dropout: number
}

/** The names that BERT and RoBERTa have behind their prefixes. */
export const bertNames = (prefix: string): EncoderNames => ({
  words: `${prefix}embeddings.word_embeddings`,
  positions: `${prefix}embeddings.position_embeddings`,
  types: `${prefix}embeddings.token_type_embeddings`,
  norm: `${prefix}embeddings.LayerNorm`,
  block(layer) {
    const name = `${prefix}encoder.layer.${layer}`
    return {
      query: `${name}.attention.self.query`,
      key: `${name}.attention.self.key`,
      value: `${name}.attention.self.value`,
      attentionOutput: `${name}.attention.output.dense`,
      attentionNorm: `${name}.attention.output.LayerNorm`,
      intermediate: `${name}.intermediate.dense`,
      output: `${name}.output.dense`,
      outputNorm: `${name}.output.LayerNorm`,
    }
  },
})

/** Checkpoints from before 2019 have TensorFlow's names of a normalization's tensors. */
export const renameNorm = (name: string): string =>
  name.replace(/LayerNorm\.gamma$/, 'LayerNorm.weight').replace(/LayerNorm\.beta$/, 'LayerNorm.bias')

/** A linear layer of an encoder: `[out, in]`, with a bias. */
export const dense = (
  name: string,
  [input, out]: readonly [input: number, out: number],
  deviation: number,
  more: { perLabel?: boolean } = {},
): Parameter[] => linear(name, { in: input, out, layout: 'out-in', deviation, ...more })

/** All parameters of an encoder, in model order: weights begin at N(0, deviation²). */
export function encoderParameters({ sizes, names }: Pick<Encoder, 'sizes' | 'names'>, deviation: number): Parameter[] {
  const { width, inner } = sizes
  const blocks = Array.from({ length: sizes.layers }, (_, layer) => names.block(layer))
  return [
    embedding(names.words, [sizes.vocabulary, width], deviation, 'token-embedding'),
    embedding(names.positions, [sizes.positionRows, width], deviation),
    ...(sizes.types > 0 ? [embedding(names.types, [sizes.types, width], deviation)] : []),
    ...normalization(names.norm, width),
    ...blocks.flatMap((block) => [
      ...[block.query, block.key, block.value].flatMap((name) => dense(name, [width, width], deviation)),
      ...dense(block.attentionOutput, [width, width], deviation),
      ...normalization(block.attentionNorm, width),
      ...dense(block.intermediate, [width, inner], deviation),
      ...dense(block.output, [inner, width], deviation),
      ...normalization(block.outputNorm, width),
    ]),
  ]
}
