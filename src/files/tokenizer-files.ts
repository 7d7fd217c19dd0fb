/** GPT-2's tokenizer in the files that Hugging Face's libraries read, for bases and bundles. */
import ranks from 'js-tiktoken/ranks/gpt2'
import { padToken } from '../core/encoder.ts'
import { modelOf } from '../core/families.ts'
import type { ModelConfig } from '../core/family.ts'
import { type TokenizerFiles, tokenizerFiles } from '../core/tokenizer/hugging-face.ts'

/** GPT-2's ids, `<|endoftext|>` included. */
const VOCABULARY = 50257

/** The files by name; none for a model with fewer embeddings, which has no tokenizer of ours. */
export function tokenizerFilesOf(config: ModelConfig): TokenizerFiles | undefined {
  const { sizes } = modelOf(config)
  if (sizes.vocabulary < VOCABULARY) return undefined
  return tokenizerFiles(ranks, { maxLength: sizes.positions, padTokenId: padToken(config) })
}
