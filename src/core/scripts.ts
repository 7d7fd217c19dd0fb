/** The Unicode scripts that texts are written in: a model says little about one that it was not trained on. */

const names = (
  'Latin Cyrillic Greek Armenian Georgian Arabic Hebrew Syriac Thaana Ethiopic Tifinagh Devanagari Bengali Gurmukhi Gujarati ' +
  'Oriya Tamil Telugu Kannada Malayalam Sinhala Thai Lao Myanmar Khmer Tibetan Mongolian Cherokee Han Hiragana Katakana ' +
  'Hangul Bopomofo'
).split(' ')

const patterns = names.map((name): [string, RegExp] => [name, new RegExp(`\\p{Script=${name}}`, 'gu')])

/** The share of a text's letters by script, the commonest first; letters of rare scripts count as `Other`. */
function shares(text: string): [script: string, share: number][] {
  const letters = text.match(/\p{L}/gu)?.join('') ?? ''
  const counts: [string, number][] = []
  let rest = letters
  for (const [name, pattern] of patterns) {
    if (rest === '') break
    const others = rest.replace(pattern, '')
    if (others.length < rest.length) counts.push([name, rest.length - others.length])
    rest = others
  }
  if (rest !== '') counts.push(['Other', rest.length])
  return counts
    .map(([name, count]): [string, number] => [name, count / letters.length])
    .toSorted(([, a], [, b]) => b - a)
}

/** Texts that are looked at: enough to see what a training set is written in. */
const SAMPLE = 5000

/** A quoted foreign word does not count. */
const LEAST_SHARE = 0.01

/**
 * The scripts of a training set, the commonest first; none where its texts have no letters.
 * @example scriptsOf(['Grüße', 'Привет всем']) // ['Cyrillic', 'Latin']
 */
export function scriptsOf(texts: readonly string[]): string[] {
  const step = Math.max(1, Math.floor(texts.length / SAMPLE))
  const sample = texts.filter((_, at) => at % step === 0).join('\n')
  return shares(sample).flatMap(([name, share]) => (share >= LEAST_SHARE ? [name] : []))
}

/**
 * The script in which most of a text is written, if it is none of those known.
 * @param known as `scriptsOf` gives them
 */
export function unknownScript(text: string, known: readonly string[]): string | undefined {
  const foreign = shares(text).filter(([name]) => !known.includes(name))
  return foreign.reduce((sum, [, share]) => sum + share, 0) > 0.5 ? foreign[0]?.[0] : undefined
}
