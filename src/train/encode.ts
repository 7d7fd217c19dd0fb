/** A data set as the model sees it: token ids in the compact vocabulary, and label ids. */
import { modelOf } from '../core/families.ts'
import type { ModelConfig } from '../core/family.ts'
import { createEncoder, padToken } from '../core/encoder.ts'
import { tokenEmbedding } from '../core/layers.ts'
import { createTask } from '../core/tasks.ts'
import type { TokenizerSource } from '../core/tokenizer.ts'
import { openTokenizer } from '../files/tokenizer-files.ts'
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
  /** Tokens that the tokenizer puts around every text, in the compact vocabulary. */
  special: ReadonlySet<number>
  /** Tokens after which texts were cut. */
  maxLength: number
}

/** What of a base says how texts are encoded. */
export interface EncodingBase {
  config: ModelConfig
  tokenizer: TokenizerSource
}

/**
 * @param maxLength tokens after which texts are cut; the model's positions are a limit too
 * @throws GraftError `config` for a base with a smaller vocabulary than its tokenizer's, `data-label`
 */
export async function encodeDataset(
  { labels, problemType, splits }: Dataset,
  base: EncodingBase,
  maxLength: number,
): Promise<EncodedDataset> {
  const { config, tokenizer } = base
  const encodeText = createEncoder(config, await openTokenizer(tokenizer))
  const { sizes } = modelOf(config)
  const pad = padToken(config)
  const task = createTask({ labels, problemType })
  const encode = (examples: readonly LabelledExample[]): EncodedSet => ({
    sequences: examples.map(({ text }) => encodeText(text, maxLength).ids),
    labels: examples.map((example) => task.encode(example.label, example)),
  })
  const sets = { train: encode(splits.train), validation: encode(splits.validation), test: encode(splits.test) }
  const special = encodeText('', maxLength).ids
  const sequences = [special, ...Object.values(sets).flatMap((set) => set.sequences)]
  const vocabulary = createVocabulary(sequences, { padTokenId: pad, embedding: tokenEmbedding(config) })
  const compact = (set: EncodedSet): EncodedSet => ({
    ...set,
    sequences: set.sequences.map((ids) => vocabulary.compact(ids)),
  })
  const [padTokenId = 0] = vocabulary.compact([pad])
  return {
    train: compact(sets.train),
    validation: compact(sets.validation),
    test: compact(sets.test),
    vocabulary,
    padTokenId,
    special: new Set(vocabulary.compact(special)),
    maxLength: Math.min(maxLength, sizes.positions),
  }
}
