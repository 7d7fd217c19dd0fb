/** A tokenizer: texts to the token ids that a model takes. Implementations are in `tokenizer/`. */

export interface Encoded {
  ids: number[]
  /** Whether the text was longer, so that its end was left out. */
  truncated: boolean
}

export interface Tokenizer {
  /**
   * Token ids of a text, with the special tokens that the model expects around it.
   * @param maxLength most ids, special ones included; as many as there are by default
   */
  encode(text: string, maxLength?: number): Encoded
  /**
   * The text of token ids.
   * @throws GraftError `runtime` for an id outside of the vocabulary
   */
  decode(ids: readonly number[]): string
  /** The largest id and one. */
  readonly vocabularySize: number
}

/** Files of a tokenizer as Hugging Face's libraries name them, by name; the first is what makes one. */
export const tokenizerFileNames = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.txt',
  'vocab.json',
  'merges.txt',
] as const

/** A tokenizer before it is made: GPT-2's, whose vocabulary comes with Graft, or a model's own files. */
export type TokenizerSource = 'gpt2' | OwnTokenizer

export interface OwnTokenizer {
  /** Content by name, `tokenizer.json` among them. */
  files: Readonly<Record<string, string>>
  /** Path or URL of `tokenizer.json`, named in errors. */
  path: string
  /** SHA-256 of `tokenizer.json`. */
  sha256: string
}

/** What tells tokenizers apart: with another, the same ids would be other words. */
export const tokenizerIdentity = (source: TokenizerSource): string => (source === 'gpt2' ? source : source.sha256)
