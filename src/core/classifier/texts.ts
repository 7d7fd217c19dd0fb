/** Methods of a classifier that take many texts, or a single one. */
import { GraftError } from '../errors.ts'

/** A list of texts has a list of results; a single text has its own. */
export interface OfTexts<Result, Options> {
  (text: string, options?: Options): Promise<Result>
  (texts: readonly string[], options?: Options): Promise<Result[]>
}

interface Choices {
  adapter?: string | readonly string[] | undefined
  topK?: number | undefined
}

/**
 * A method of lists that takes a single text as well.
 * @throws GraftError `usage` from the method, for what is no text, a number of adapters that is not the texts', or a `topK` that
 *   is no whole number from 1 on
 */
export function ofTexts<Result, Options extends Choices>(
  many: (texts: readonly string[], options: Partial<Options>) => Promise<Result[]>,
): OfTexts<Result, Options> {
  function method(texts: string, options?: Options): Promise<Result>
  function method(texts: readonly string[], options?: Options): Promise<Result[]>
  async function method(texts: string | readonly string[], options: Partial<Options> = {}): Promise<Result | Result[]> {
    const list = typeof texts === 'string' ? [texts] : texts
    check(list, options)
    const results = await many(list, options)
    return typeof texts === 'string' ? results[0]! : results // one for each text
  }
  return method
}

/** Callers in JavaScript have no types to tell them. */
function check(texts: unknown, { adapter, topK }: Choices): void {
  if (!Array.isArray(texts))
    throw usage('neither a text nor a list of texts', texts, 'Give a string, or an array of strings.')
  const at = texts.findIndex((text) => typeof text !== 'string')
  if (at >= 0) throw usage(`texts[${at}] is not a string but ${typeof texts[at]}`, texts[at], 'Give strings only.')
  if (Array.isArray(adapter) && adapter.length !== texts.length) {
    const hint = 'Name one adapter for all texts, or one for each.'
    throw usage(`${adapter.length} adapters were named for ${texts.length} texts`, adapter, hint)
  }
  if (topK !== undefined && !(Number.isInteger(topK) && topK > 0)) {
    throw usage(`topK is ${topK}`, topK, 'Give a whole number from 1 on, or leave it out for all labels.')
  }
}

const usage = (message: string, value: unknown, hint: string) => new GraftError('usage', message, { hint, value })
