/** Whether a model's tokenizer is GPT-2's, the one that Graft has: with another the same ids would be other words. */
import { z } from 'zod'
import { GraftError } from '../../core/errors.ts'
import type { ModelConfig } from '../../core/family.ts'
import { readBytes, readJson } from '../read.ts'
import { tokenizerFilesOf } from '../tokenizer-files.ts'
import type { Source } from './source.ts'

const vocabulary = z.record(z.string(), z.number())
const pair = z.union([z.string(), z.tuple([z.string(), z.string()])])
const tokenizer = z.looseObject({ model: z.looseObject({ vocab: vocabulary, merges: z.array(pair) }) })

interface Tokens {
  file: string
  ids: Record<string, number>
  /** `a b` each. */
  merges: string[]
}

const mergeLines = (text: string) => text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#version'))

async function readTokens(source: Source): Promise<Tokens | undefined> {
  if (source.names.has('tokenizer.json')) {
    const file = await source.fetch('tokenizer.json')
    const read = tokenizer.safeParse(await readJson(file))
    if (!read.success) throw notGpt2(file, 'is no byte-pair tokenizer')
    const { vocab: ids, merges } = read.data.model
    return { file, ids, merges: merges.map((merge) => [merge].flat().join(' ')) }
  }
  if (!source.names.has('vocab.json') || !source.names.has('merges.txt')) return undefined
  const file = await source.fetch('vocab.json')
  const merges = new TextDecoder().decode(await readBytes(await source.fetch('merges.txt')))
  const read = vocabulary.safeParse(await readJson(file))
  if (!read.success) throw notGpt2(file, 'is no vocabulary')
  return { file, ids: read.data, merges: mergeLines(merges) }
}

const notGpt2 = (file: string, problem: string) =>
  new GraftError('config', `${file} ${problem}; only GPT-2's own tokenizer is supported`, {
    hint: 'Use a model with the tokenizer of GPT-2: one of its sizes, or a model made of them.',
    file,
  })

/**
 * Checks the tokenizer of a model that comes with one. Tokens that were added after GPT-2's own are no difference.
 * @throws GraftError `config`
 */
export async function checkTokenizer(source: Source, config: ModelConfig): Promise<void> {
  const ours = tokenizerFilesOf(config)
  const theirs = ours && (await readTokens(source))
  if (!theirs) return
  for (const [token, id] of Object.entries(vocabulary.parse(JSON.parse(ours['vocab.json'])))) {
    // tokenizer.json may hold its special tokens apart.
    const found = theirs.ids[token] ?? (token === '<|endoftext|>' ? id : undefined)
    if (found !== id) throw notGpt2(theirs.file, `gives ${JSON.stringify(token)} the id ${found}, not ${id}`)
  }
  const merges = mergeLines(ours['merges.txt'])
  const wrong = merges.findIndex((merge, at) => merge !== theirs.merges[at])
  if (wrong >= 0) throw notGpt2(theirs.file, `has other merges, the first at place ${wrong + 1}`)
}
