/** What a tokenizer is: text to the token ids that a model takes, and back. `tokenizer/` has the implementations. */

export interface EncodeOptions {
  /** The most ids that are given, special tokens included; no bound by default. */
  maxLength?: number
}

export interface Encoded {
  ids: number[]
  /** Whether the text was longer, so that its end was left out. */
  truncated: boolean
}

export interface Tokenizer {
  /**
   * Token ids of a text, between the special tokens that the model expects around it. A longer text loses its end, never
   * the special tokens, as transformers' `truncation=True` has it; and what is cut off is not encoded. Only a `maxLength`
   * below their number cuts them too. Lone surrogates count as U+FFFD.
   *
   * Whether the text of a special token inside of the text becomes that token is the tokenizer's to say: by a
   * `tokenizer.json` it does, as in transformers; with GPT-2's ranks it stays the ordinary text that it is.
   * @throws RangeError for an unbroken run of over 4 million characters above U+FFFF, the limit of V8's regular expressions
   */
  encode(text: string, options?: EncodeOptions): Encoded
  /**
   * The text of token ids, special tokens included; bytes that are not UTF-8 become U+FFFD.
   * @throws GraftError `runtime` for an id outside of the vocabulary
   */
  decode(ids: readonly number[]): string
  /** The largest id and one: how many embeddings a model needs. */
  readonly vocabularySize: number
  /** Id of the token that pads, where the tokenizer's files name one. */
  readonly padTokenId?: number | undefined
  /** Id of the token that ends a document, where there is one. */
  readonly endOfText?: number | undefined
}
