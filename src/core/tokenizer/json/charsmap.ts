/**
 * The table by which a SentencePiece model normalizes: a trie from sequences of bytes to their replacements, in Darts'
 * double array (https://github.com/google/sentencepiece/blob/master/src/normalizer.cc, https://github.com/s-yata/darts-clone).
 */

const MARKS = '[\\p{Grapheme_Extend}\\p{Emoji_Modifier}\\u200d\\p{Mc}\\u0e33\\u0eb3]'

/**
 * Grapheme clusters, as far as those of fewer than six bytes go, which alone are looked up as a whole.
 * @param ascii whether those of printable ASCII alone are among them
 */
const clusters = (ascii: boolean) =>
  new RegExp(`\\r\\n|[ -~]${MARKS}${ascii ? '*' : '+'}|[^ -~\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]${MARKS}*|[^ -~]`, 'gu')

const printable = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at))

const encoder = new TextEncoder()

const leaf = (unit: number) => unit & 0x7fffffff
const hasLeaf = (unit: number) => ((unit >>> 8) & 1) === 1
const label = (unit: number) => (unit & 0x800000ff) >>> 0
const offset = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6)

/** The normalization by a table in base64; none if it is no table. */
export function charsmapOf(base64: string): ((text: string) => string) | undefined {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  if (bytes.length < 4) return undefined
  const view = new DataView(bytes.buffer)
  const size = view.getUint32(0, true)
  if (size % 4 !== 0 || size < 4 || 4 + size > bytes.length) return undefined
  const units = Uint32Array.from({ length: size / 4 }, (_, at) => view.getUint32(4 + 4 * at, true))
  const replacements = bytes.subarray(4 + size)

  function replacementAt(start: number): string {
    const end = replacements.indexOf(0, start)
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(replacements.subarray(start, end < 0 ? undefined : end))
  }

  /** The replacement of the shortest beginning that the table has, which stands for the text whole, as in tokenizers. */
  function search(text: string): string | undefined {
    let node = offset(units[0]!) // A table has a root.
    for (const byte of encoder.encode(text)) {
      if (byte === 0) return undefined
      node ^= byte
      const unit = units[node]
      if (unit === undefined || label(unit) !== byte) return undefined
      node ^= offset(unit)
      if (hasLeaf(unit)) return replacementAt(leaf(units[node] ?? 0))
    }
    return undefined
  }

  const known = new Map<string, string | undefined>()
  const lookUp = (text: string) => {
    if (known.has(text)) return known.get(text)
    if (known.size >= 10_000) known.clear()
    const found = search(text)
    known.set(text, found)
    return found
  }

  const isShort = (cluster: string) => cluster.length < 6 && encoder.encode(cluster).length < 6
  const byCharacter = (cluster: string) => Array.from(cluster, (character) => lookUp(character) ?? character).join('')
  const normalize = (cluster: string) => (isShort(cluster) ? lookUp(cluster) : undefined) ?? byCharacter(cluster)
  const found = clusters(printable.some((character) => lookUp(character) !== undefined))
  return (text) => text.replace(found, normalize)
}
