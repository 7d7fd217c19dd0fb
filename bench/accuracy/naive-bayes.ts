/** The floor of every set: unigram multinomial Naive Bayes with add-one smoothing. */

interface Example {
  text: string
  label: string
}

/** Words in lower case, and single punctuation marks. */
const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) ?? []

/** Predicted labels of `test`, after training on `train`. */
export function naiveBayes(train: readonly Example[], test: readonly Example[]): string[] {
  const classes = new Map<string, { rows: number; words: number; counts: Map<string, number> }>()
  const vocabulary = new Set<string>()
  for (const { text, label } of train) {
    const entry = classes.get(label) ?? { rows: 0, words: 0, counts: new Map<string, number>() }
    classes.set(label, entry)
    entry.rows++
    for (const word of wordsOf(text)) {
      vocabulary.add(word)
      entry.words++
      entry.counts.set(word, (entry.counts.get(word) ?? 0) + 1)
    }
  }
  return test.map(({ text }) => {
    const known = wordsOf(text).filter((word) => vocabulary.has(word))
    const scores = [...classes].map(([label, { rows, words, counts }]): [string, number] => [
      label,
      known.reduce(
        (sum, word) => sum + Math.log(((counts.get(word) ?? 0) + 1) / (words + vocabulary.size)),
        Math.log(rows),
      ),
    ])
    return scores.reduce((best, score) => (score[1] > best[1] ? score : best))[0]
  })
}
