/** What the model of a `tokenizer.json` is: it makes tokens of a piece of text. */

export interface Model {
  /** Token ids of a piece; of a long one as they are asked for, where the model can. */
  encode(piece: string): Iterable<number>
  /** Ids by token. */
  readonly vocabulary: ReadonlyMap<string, number>
}
