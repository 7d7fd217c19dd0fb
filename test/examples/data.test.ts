/** The example data sets keep what their README promises: counts, labels, format, invented contacts, no near-copies. */
import { readFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'

const expectedCounts = {
  spam: { ham: 280, spam: 280 },
  sentiment: { negative: 214, positive: 214 },
  intent: {
    alarm: 56,
    calendar: 56,
    message: 56,
    music: 56,
    navigation: 56,
    shopping_list: 56,
    smart_home: 56,
    weather: 56,
  },
}
const maxSharedWords = 0.5
const maxSharedWordPairs = 0.4

interface Row {
  text: string
  label: string
}

const readBytes = (name: string) => readFileSync(new URL(`../../examples/data/${name}.csv`, import.meta.url))
// Without `relax` options csv-parse throws on stray quotes and on rows of another width.
const readRows = (name: string): Row[] => parse(readBytes(name), { columns: true })
const wordsOf = (text: string): string[] => text.toLowerCase().match(/[a-z0-9']+/g) ?? []
const pairsOf = (words: string[]) => words.slice(1).map((word, index) => `${words[index]} ${word}`)

const shareOf = (texts: string[], pattern: RegExp) => texts.filter((text) => pattern.test(text)).length / texts.length
const meanLength = (texts: string[]) => texts.join('').length / texts.length

/** How a label's texts are written, whatever they say: shares of texts, and the mean length in characters. */
const surfaceOf = (texts: string[]) => ({
  finalPunctuation: shareOf(texts, /[.!?…]$/),
  digits: shareOf(texts, /\d/),
  lowerCaseStart: shareOf(texts, /^[a-z]/),
  length: meanLength(texts),
})

/** Jaccard similarity: size of the intersection over size of the union. */
function jaccard(left: Set<string>, right: Set<string>): number {
  const shared = [...left].filter((item) => right.has(item)).length
  return shared / (left.size + right.size - shared)
}

/** Pairs of messages (of at least four words) that share too many words or word pairs. */
function nearCopies(texts: string[]): [string, string][] {
  const long = texts
    .map((text) => ({ text, words: wordsOf(text) }))
    .filter(({ words }) => words.length >= 4)
    .map(({ text, words }) => ({ text, words: new Set(words), pairs: new Set(pairsOf(words)) }))
  return long.flatMap((left, index) =>
    long
      .slice(index + 1)
      .filter(
        (right) =>
          jaccard(left.words, right.words) >= maxSharedWords || jaccard(left.pairs, right.pairs) >= maxSharedWordPairs,
      )
      .map((right): [string, string] => [left.text, right.text]),
  )
}

describe.each(Object.entries(expectedCounts))('examples/data/%s.csv', (name, counts) => {
  it('is UTF-8 with LF line ends, a header, and texts without outer white space', () => {
    const content = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readBytes(name))
    expect(content).toMatch(/^text,label\n/)
    expect(content).toMatch(/[^\n]\n$/)
    expect(content).not.toContain('\r')
    expect(readRows(name).filter(({ text }) => text === '' || text !== text.trim())).toEqual([])
  })

  it('has the documented labels and counts', () => {
    const labels = readRows(name).map(({ label }) => label)
    const found = Object.fromEntries(
      [...new Set(labels)].map((label) => [label, labels.filter((other) => other === label).length]),
    )
    expect(found).toEqual(counts)
    expect(labels.length).toBeGreaterThanOrEqual(400)
  })

  it('holds every message once, whatever its case and punctuation', () => {
    const texts = readRows(name).map(({ text }) => wordsOf(text).join(' '))
    expect(texts.filter((text, index) => texts.indexOf(text) !== index)).toEqual([])
  })

  it('holds no two messages that differ in a few words only', () => {
    expect(nearCopies(readRows(name).map(({ text }) => text))).toEqual([])
  })

  it('gives no label away by how its messages are written', () => {
    const surfaces = Object.keys(counts).map((label) =>
      surfaceOf(
        readRows(name)
          .filter((row) => row.label === label)
          .map(({ text }) => text),
      ),
    )
    const range = (key: keyof (typeof surfaces)[number]) => {
      const values = surfaces.map((surface) => surface[key])
      return { lowest: Math.min(...values), highest: Math.max(...values) }
    }
    const spread = (key: keyof (typeof surfaces)[number]) => range(key).highest - range(key).lowest
    expect(spread('finalPunctuation')).toBeLessThan(0.12)
    expect(spread('lowerCaseStart')).toBeLessThan(0.12)
    expect(spread('digits')).toBeLessThan(0.2)
    expect(range('length').highest / range('length').lowest).toBeLessThan(1.2)
  })

  it('names no telephone number or web address that could be real', () => {
    const contacts = readRows(name).flatMap(({ text }) => text.match(/\b[\w-]+\.[a-z]{3,}\b|\b\d{3}-\d{4}\b/g) ?? [])
    expect(contacts.filter((contact) => !/^[\w-]+\.example$|^555-01\d\d$/.test(contact))).toEqual([])
  })
})

it('the near-copy check finds a changed slot and lets different sentences pass', () => {
  expect(nearCopies(['wake me at six please', 'wake me at seven please'])).toHaveLength(1)
  expect(nearCopies(['wake me at six please', 'please skip this awful song'])).toEqual([])
})
