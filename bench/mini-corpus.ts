/**
 * Writes the files that models/gpt-mini is pretrained on: `corpus-en` and the training parts of the sets whose licences
 * allow it, without any text that a test part of the accuracy benchmark holds.
 *
 * Usage: npm run mini:corpus -- OUT [DATA]; DATA is shared data beside the checkout.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'csv-stringify/sync'
import { benchmarkSets } from './accuracy/sets.ts'

/** tweeteval-emotion is for tests only, and the balanced set's texts are among those of the whole one. */
const SETS = ['sms-spam', 'rt-polarity', 'subjectivity', 'banking77']
const TEXTS = ['movie_reviews', 'masc', 'state_union', 'inaugural']

/** Test texts of fewer words occur in running text by chance. */
const MIN_WORDS = 6

/** Words alone: letter case, spacing and punctuation make no other text. */
const wordsOf = (text: string): string => (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).join(' ')

async function writeCorpus(out: string, data: string): Promise<void> {
  const sets = await Promise.all(benchmarkSets.map(async ({ name, read }) => ({ name, ...(await read(data)) })))
  const tests = new Set(sets.flatMap(({ splits }) => splits.test.map(({ text }) => wordsOf(text))))
  await mkdir(out, { recursive: true })
  for (const { name, splits } of sets.filter((set) => SETS.includes(set.name))) {
    const texts = [...splits.train, ...splits.validation].map(({ text }) => text)
    const kept = texts.filter((text) => !tests.has(wordsOf(text)))
    await writeFile(
      join(out, `${name}.csv`),
      stringify(
        kept.map((text) => [text]),
        { header: true, columns: ['text'] },
      ),
    )
    console.log(`${name}: ${kept.length} texts, ${texts.length - kept.length} left out`)
  }
  const long = [...tests].filter((test) => test.split(' ').length >= MIN_WORDS)
  for (const name of TEXTS) {
    const text = await readFile(join(data, 'corpus-en', `${name}.txt`), 'utf8')
    const words = wordsOf(text)
    const found = long.filter((test) => words.includes(test))
    const lines = text.split('\n')
    const kept = lines.filter((line) => !found.some((test) => wordsOf(line).includes(test)))
    await writeFile(join(out, `${name}.txt`), kept.join('\n'))
    console.log(`${name}: ${kept.length} lines, ${lines.length - kept.length} left out`)
  }
}

const [out, data = '../shared/data'] = process.argv.slice(2)
if (out === undefined) throw new Error('Usage: npm run mini:corpus -- OUT [DATA]')
await writeCorpus(out, data)
