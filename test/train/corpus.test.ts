/** Text to pretrain on: which files are read how, and how documents become sequences. */
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ranks from 'js-tiktoken/ranks/gpt2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGpt2Tokenizer } from '../../src/core/tokenizer/gpt2.ts'
import { type Corpus, packSequences, readCorpus } from '../../src/train/corpus.ts'

const { decode } = createGpt2Tokenizer(ranks)
const END = '<|endoftext|>'

let dir: string
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'graft-corpus-'))))
afterAll(() => rm(dir, { recursive: true }))

function write(name: string, text: string): string {
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}

describe('readCorpus', () => {
  it('takes plain text whole, and the rows of a table one by one, without their labels', async () => {
    const paths = [
      write('story.txt', 'Once,\r\nupon a time.\n\nThe end.\n'),
      write('notes', 'No extension, "no" table: plain\n'),
      write('rows.csv', 'label,text\nspam,"Win, now"\nham,See you\n'),
      write('rows.jsonl', '{"body":"Hello","label":"x"}\n'),
    ]
    const { documents, files } = await readCorpus(paths)
    expect(await Promise.all(documents.map(decode))).toEqual([
      `Once,\nupon a time.\n\nThe end.\n${END}`,
      `No extension, "no" table: plain\n${END}`,
      `Win, now${END}`,
      `See you${END}`,
      `Hello${END}`,
    ])
    expect(files.map(({ name }) => name)).toEqual(['story.txt', 'notes', 'rows.csv', 'rows.jsonl'])
    expect(files.map(({ tokens }) => tokens)).toEqual([
      documents[0]!.length,
      documents[1]!.length,
      documents[2]!.length + documents[3]!.length,
      documents[4]!.length,
    ])
    expect(files[0]?.sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  it('takes the column that is asked for', async () => {
    const { documents } = await readCorpus([write('two.csv', 'text,title\na,b\n')], { text: 'title' })
    expect(await Promise.all(documents.map(decode))).toEqual([`b${END}`])
  })

  it.each([
    ['empty.txt', ' \n', 'file-empty'],
    ['binary.txt', 'a\0b\n', 'file-binary'],
    ['columns.csv', 'a,b\n1,2\n', 'data-column'],
  ])('refuses %s', async (name, text, code) => {
    await expect(readCorpus([write(name, text)])).rejects.toMatchObject({ code, file: join(dir, name) })
  })

  it('refuses a file that is not there', async () => {
    await expect(readCorpus([join(dir, 'none.txt')])).rejects.toMatchObject({ code: 'file-not-found' })
  })
})

describe('packSequences', () => {
  /** Ten documents of eleven tokens: 0 to 10, 100 to 110, … */
  const corpus: Corpus = {
    files: [],
    endOfText: 1000,
    documents: Array.from({ length: 10 }, (_, at) => Array.from({ length: 11 }, (_, token) => 100 * at + token)),
  }

  it('cuts all documents, shuffled, into sequences that overlap by the token to predict', () => {
    const { train, validation } = packSequences(corpus, { length: 4, validation: 0.2, seed: 1 })
    const all = [...train, ...validation]
    expect([train.length, validation.length]).toEqual([22, 5])
    expect(all.every((ids) => ids.length === 5)).toBe(true)
    const inputs = all.flatMap((ids) => ids.slice(0, -1))
    expect(new Set(inputs).size).toBe(108)
    const orderly = all.flatMap((ids) => ids.slice(1).map((id, at) => id === 1 + (ids[at] ?? NaN)))
    expect(orderly.filter((follows) => !follows).length).toBeLessThan(10) // where a document ends
  })

  it('is the same for the same seed, and another for another', () => {
    const pack = (seed: number) => packSequences(corpus, { length: 4, validation: 0.2, seed })
    expect(pack(1)).toEqual(pack(1))
    expect(pack(1)).not.toEqual(pack(2))
  })

  it('keeps one sequence at least on each side', () => {
    const { train, validation } = packSequences(corpus, { length: 54, validation: 0.01, seed: 1 })
    expect([train.length, validation.length]).toEqual([1, 1])
  })

  it('refuses a corpus that is too short', () => {
    expect(() => packSequences(corpus, { length: 55, validation: 0.1, seed: 1 })).toThrow(
      'the corpus has 110 tokens, not enough for two sequences of 55',
    )
  })
})
