/** A data set as the model sees it: token ids in the compact vocabulary, and label ids. */
import ranks from 'js-tiktoken/ranks/gpt2'
import type { GPT2Config } from '../core/config.ts'
import { GraftError } from '../core/errors.ts'
import { createLabels } from '../core/labels.ts'
import { createTokenizer } from '../core/tokenizer.ts'
import type { Dataset, LabelledExample } from './dataset.ts'
import type { EncodedSet } from './evaluate.ts'
import { type Vocabulary, createVocabulary } from './vocabulary.ts'

export interface EncodedDataset {
  train: EncodedSet
  validation: EncodedSet
  test: EncodedSet
  vocabulary: Vocabulary
  /** In the compact vocabulary. */
  padTokenId: number
  /** Tokens after which texts were cut. */
  maxLength: number
}

/** GPT-2's end-of-text token, which stands in where a configuration names no padding token. */
const END_OF_TEXT = 50256

/** The padding token of a model. */
export const padToken = (config: GPT2Config): number => config.pad_token_id ?? END_OF_TEXT

const smallVocabulary = (size: number, needed: number) =>
  new GraftError('config', `the base has a vocabulary of ${size} tokens, and GPT-2's tokenizer gives ${needed}`, {
    hint: 'Use a base with the full GPT-2 vocabulary: vocab_size 50257 or more.',
    value: size,
  })

/**
 * @param maxLength tokens after which texts are cut; the model's positions are a limit too
 * @throws GraftError `config` for a base with another vocabulary than GPT-2's, `data-label`
 */
export function encodeDataset({ labels, splits }: Dataset, config: GPT2Config, maxLength: number): EncodedDataset {
  const limit = Math.min(maxLength, config.n_positions)
  const tokenizer = createTokenizer(ranks)
  if (config.vocab_size < tokenizer.vocabSize) throw smallVocabulary(config.vocab_size, tokenizer.vocabSize)
  const { idOf } = createLabels(labels)
  const encode = (examples: readonly LabelledExample[]): EncodedSet => ({
    sequences: examples.map(({ text }) => tokenizer.encode(text, { maxLength: limit })),
    labels: examples.map((example) => idOf(example.label, example)),
  })
  const sets = { train: encode(splits.train), validation: encode(splits.validation), test: encode(splits.test) }
  const sequences = Object.values(sets).flatMap((set) => set.sequences)
  const vocabulary = createVocabulary(sequences, padToken(config))
  const compact = (set: EncodedSet): EncodedSet => ({
    ...set,
    sequences: set.sequences.map((ids) => vocabulary.compact(ids)),
  })
  const [padTokenId = 0] = vocabulary.compact([padToken(config)])
  return {
    train: compact(sets.train),
    validation: compact(sets.validation),
    test: compact(sets.test),
    vocabulary,
    padTokenId,
    maxLength: limit,
  }
}
