/** What a teacher is asked about: whole texts, sentences, spans of them, and phrases that were never written. */
import type { Random } from '../../core/random.ts'

/** Words after which texts are cut, and sentences into pieces. */
const MOST_WORDS = 64

/** Words of a span, at most. */
const SPAN = 24

/** One phrase that was never written for so many that were. */
const RECOMBINED = 4

/** Where a sentence ends. */
const SENTENCE_END = /(?<=[.!?])\s+|\n+/

const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')

/**
 * Passages of documents, each once: every sentence; documents of up to 64 words as a whole; spans of 1 to 24 words, one after the other; and
 * beginnings of some with ends of others.
 * @returns in the order of the documents, what was recombined at the end
 */
export function passagesOf(documents: readonly string[], random: Random): string[] {
  const passages = new Set<string>()
  for (const document of documents) {
    const words = wordsOf(document)
    if (words.length <= MOST_WORDS) passages.add(words.join(' '))
    for (const sentence of document.split(SENTENCE_END)) {
      for (const piece of pieces(wordsOf(sentence), () => MOST_WORDS)) passages.add(piece)
    }
    for (const span of pieces(words, () => 1 + random.integer(SPAN))) passages.add(span)
  }
  passages.delete('')
  const written = [...passages]
  for (let count = Math.floor(written.length / RECOMBINED); count > 0; count--) {
    const [first, second] = [written, written].map((all) => wordsOf(all[random.integer(all.length)] ?? ''))
    passages.add([...half(first, 0), ...half(second, 1)].join(' '))
  }
  return [...passages]
}

const half = (words: readonly string[] = [], which: 0 | 1): string[] => {
  const middle = Math.ceil(words.length / 2)
  return which === 0 ? words.slice(0, middle) : words.slice(words.length - middle)
}

/** Words one after the other, in pieces of the lengths that are drawn. */
function pieces(words: readonly string[], length: () => number): string[] {
  const all: string[] = []
  for (let from = 0; from < words.length;) {
    const to = from + length()
    all.push(words.slice(from, to).join(' '))
    from = to
  }
  return all
}
