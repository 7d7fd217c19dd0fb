/** A tokenizer: texts to the token ids that a model takes. Implementations are in `tokenizer/`. */

export interface Encoded {
  ids: number[]
  /** Whether the text was longer, so that its end was left out. */
  truncated: boolean
}

export interface Tokenizer {
  /**
   * Token ids of a text, with the special tokens that the model expects around it. A longer text loses its end and keeps
   * the special tokens, as by transformers' `truncation=True`; only a `maxLength` below their number cuts them too. What is
   * cut off is not encoded. Lone surrogates count as U+FFFD.
   *
   * Whether a special token's text inside of a text becomes that token is for the tokenizer to say: by a `tokenizer.json`
   * it does, as in transformers; GPT-2's vocabulary takes it for the ordinary text that it is.
   * @param maxLength most ids, special ones included; as many as there are by default
   * @throws RangeError for an unbroken run of millions of characters, the limit of V8's regular expressions
   */
  encode(text: string, maxLength?: number): Encoded
  /**
   * The text of token ids. How to make it is loaded when it is asked for, as nobody who classifies does.
   * @throws GraftError `runtime` for an id outside of the vocabulary, `config` for a decoder that is not supported
   */
  decode(ids: readonly number[]): Promise<string>
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
