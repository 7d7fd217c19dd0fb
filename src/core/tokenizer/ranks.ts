/** A byte-pair vocabulary as js-tiktoken stores it. */

/** The default export of `js-tiktoken/ranks/gpt2`. */
export interface BytePairRanks {
  /** Regular expression that cuts a text into pieces; merges never cross two pieces. */
  pat_str: string
  /** Lines of `! <first id> <token> <token> …`, tokens in base64. */
  bpe_ranks: string
  special_tokens: Record<string, number>
}

/** Token ids by the token's bytes, one a character. */
export function parseRanks(text: string): Map<string, number> {
  const ranks = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, firstId, ...tokens] = line.split(' ')
    for (const [index, token] of tokens.entries()) ranks.set(atob(token), Number(firstId) + index)
  }
  return ranks
}
