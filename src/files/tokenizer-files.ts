/** GPT-2's tokenizer in the files that Hugging Face's libraries read, for bases and bundles. */
import ranks from 'js-tiktoken/ranks/gpt2'
import type { GPT2Config } from '../core/config.ts'
import { padToken } from '../core/encoder.ts'
import { type TokenizerFiles, tokenizerFiles } from '../core/tokenizer/hugging-face.ts'

/** GPT-2's ids, `<|endoftext|>` included. */
const VOCABULARY = 50257

/** The files by name; none for a model with fewer embeddings, which has no tokenizer of ours. */
export const tokenizerFilesOf = (config: GPT2Config): TokenizerFiles | undefined =>
  config.vocab_size < VOCABULARY
    ? undefined
    : tokenizerFiles(ranks, { maxLength: config.n_positions, padTokenId: padToken(config) })
