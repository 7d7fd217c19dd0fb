/** Sites of a tiny BERT with a tokenizer of its own, beside those of GPT-2 in fixtures.ts. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeSite } from '../../src/cli/web/site.ts'
import { familyNamed, parseConfig } from '../../src/core/families.ts'
import { initializeBase } from '../../src/core/initialize.ts'
import { createRandom } from '../../src/core/random.ts'
import { exportBundle } from '../../src/export/index.ts'
import { writeAdapter } from '../../src/files/adapter-folder.ts'
import { readBase, writeBase } from '../../src/files/base-folder.ts'
import { openTokenizer, readTokenizer } from '../../src/files/tokenizer-files.ts'
import { randomAdapter } from '../fixtures/adapter.ts'
import { writeTokenizer } from '../fixtures/tokenizer.ts'
import { writeSiteLike } from './fixtures.ts'

/** Texts of words that the tokenizer has, of letters that it has, and of what it has not. */
export const texts = ['apple and plum', 'A Drill, and an ÄPPLE!', 'x'.repeat(150), '東京 fig']

const sizes = { width: 16, layers: 2, heads: 2, inner: 24, positions: 48 }

export interface BertSites {
  /** Bundles. */
  merged: string
  unmerged: string
  /** Sites of them. */
  mergedSite: string
  unmergedSite: string
  /** An adapter that is in neither: a visitor's. */
  adapter: string
  remove(): Promise<void>
}

interface ModelOptions {
  family: string
  /** A folder of a `tokenizer.json`. */
  tokenizer: string
}

/** Writes a random base, and an adapter for each list of labels, into a folder. Of both, what an export of them is given. */
async function writeModel(dir: string, { family, tokenizer: source }: ModelOptions, labels: readonly string[][]) {
  const path = (name: string) => join(dir, name)
  const tokenizer = await readTokenizer(source)
  const { vocabularySize: vocabulary } = await openTokenizer(tokenizer)
  const fields = familyNamed(family).fieldsOf({ ...sizes, vocabulary })
  const config = parseConfig({ model_type: family, initializer_range: 0.3, ...fields })
  await writeBase(path('base'), { config, weights: initializeBase(config, createRandom(1)) }, { tokenizer })
  const { sha256: baseSha256 } = await readBase(path('base'))
  for (const [at, each] of labels.entries()) {
    const adapter = randomAdapter({ config, base: path('base'), baseSha256, labels: each, seed: at, rank: 2 })
    await writeAdapter(path(`adapter-${at}`), { ...adapter, info: { ...adapter.info, maxLength: 40 } })
  }
  const adapters = labels.map((_, at) => ({ name: `task-${at}`, dir: path(`adapter-${at}`) }))
  return { base: path('base'), adapters, probes: texts }
}

/** Writes an unmerged bundle of a random model of some family into a folder that is made. */
export async function writeUnmerged(dir: string, options: ModelOptions): Promise<string> {
  await mkdir(dir)
  const bundle = await writeModel(dir, options, [['no', 'yes']])
  await exportBundle({ ...bundle, mode: 'unmerged', dir: join(dir, 'bundle') })
  return join(dir, 'bundle')
}

/** Writes bundles of a random BERT and their sites into a new folder. */
export async function writeBertSites(): Promise<BertSites> {
  const dir = await mkdtemp(join(tmpdir(), 'graft-bert-'))
  const path = (name: string) => join(dir, name)
  writeTokenizer(path('tokenizer'), 'word-piece', ['apple', 'plum', 'fig', 'drill', 'and'])
  const labels = [
    ['fruit', 'tool'],
    ['0', '1', '2'],
    ['no', 'yes'],
  ]
  const bundle = await writeModel(dir, { family: 'bert', tokenizer: path('tokenizer') }, labels)
  const [first, second] = bundle.adapters
  if (!first || !second) throw new Error('two are made')
  await exportBundle({ ...bundle, adapters: [first], mode: 'merged', dir: path('merged') })
  await exportBundle({ ...bundle, adapters: [first, second], mode: 'unmerged', dir: path('unmerged') })
  await writeSite(path('merged'), path('merged-site'), {})
  await writeSiteLike(path('merged-site'), path('unmerged'), path('unmerged-site'))
  return {
    merged: path('merged'),
    unmerged: path('unmerged'),
    mergedSite: path('merged-site'),
    unmergedSite: path('unmerged-site'),
    adapter: path('adapter-2'),
    remove: () => rm(dir, { recursive: true }),
  }
}
