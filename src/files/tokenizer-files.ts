/** The tokenizer of a model's folder, read and written. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import ranks from 'js-tiktoken/ranks/gpt2'
import { padToken } from '../core/encoder.ts'
import { GraftError } from '../core/errors.ts'
import { modelOf } from '../core/families.ts'
import type { ModelConfig } from '../core/family.ts'
import { type OwnTokenizer, type Tokenizer, type TokenizerSource, tokenizerFileNames } from '../core/tokenizer.ts'
import { tokenizerConfigFile } from '../core/tokenizer/config-file.ts'
import { tokenizerFiles } from '../core/tokenizer/hugging-face.ts'
import { isGpt2Tokenizer, isGpt2Vocabulary } from '../core/tokenizer/is-gpt2.ts'
import { makeTokenizer } from '../core/tokenizer/make.ts'
import { sha256 } from './hash.ts'
import { readBytes, readJson } from './read.ts'

/** GPT-2's ids, `<|endoftext|>` included. */
const VOCABULARY = 50257

/** What is read of: a folder, or a repository whose files are fetched first. */
export interface TokenizerPlace {
  /** Named in errors. */
  name: string
  has(file: string): boolean
  /** The path of a file that is there. */
  path(file: string): Promise<string>
}

const placeOf = (dir: string): TokenizerPlace => ({
  name: dir,
  has: (file) => existsSync(join(dir, file)),
  path: (file) => Promise.resolve(join(dir, file)),
})

const readText = async (path: string) => new TextDecoder().decode(await readBytes(path))

/**
 * The tokenizer of a model. GPT-2's is known by its vocabulary and merges, whatever the model is, and of a GPT-2 without any
 * tokenizer's files it is taken for granted.
 * @param config of the model, where it is one's
 * @throws GraftError `config` where there is none that can be read, `file-format`, `file-read`
 */
export async function readTokenizer(from: string | TokenizerPlace, config?: ModelConfig): Promise<TokenizerSource> {
  const place = typeof from === 'string' ? placeOf(from) : from
  if (place.has('tokenizer.json')) {
    const path = await place.path('tokenizer.json')
    if (isGpt2Tokenizer(await readJson(path), ranks)) return 'gpt2'
    return readOwn(place, path)
  }
  if (place.has('vocab.json') && place.has('merges.txt')) {
    const vocabulary = await readJson(await place.path('vocab.json'))
    const merges = (await readText(await place.path('merges.txt'))).split(/\r?\n/)
    const pairs = merges.filter((line) => line !== '' && !line.startsWith('#version'))
    if (isGpt2Vocabulary(vocabulary, pairs, ranks)) return 'gpt2'
  } else if (config?.model_type === 'gpt2' && !tokenizerFileNames.some(place.has)) return 'gpt2'
  throw new GraftError('config', `${place.name} has no tokenizer.json`, {
    hint:
      'Make one where Python is: python -c "from transformers import AutoTokenizer as T; ' +
      `T.from_pretrained('${place.name}').save_pretrained('${place.name}')".`,
    file: place.name,
  })
}

async function readOwn(place: TokenizerPlace, path: string): Promise<OwnTokenizer> {
  const files: Record<string, string> = {}
  for (const name of tokenizerFileNames) if (place.has(name)) files[name] = await readText(await place.path(name))
  return { files, path, sha256: sha256(files['tokenizer.json'] ?? '') }
}

/** @throws GraftError `config` for a tokenizer that is not supported, `file-format` */
export const openTokenizer = (source: TokenizerSource): Promise<Tokenizer> => makeTokenizer(source, ranks)

/** The files to be written for a model, by name; none for one with fewer embeddings than GPT-2's tokenizer has ids. */
export function tokenizerFilesOf(source: TokenizerSource, config: ModelConfig): Readonly<Record<string, string>> {
  if (source !== 'gpt2') return withConfigFile(source.files, config)
  const { sizes } = modelOf(config)
  return sizes.vocabulary < VOCABULARY
    ? {}
    : tokenizerFiles(ranks, { maxLength: sizes.positions, padTokenId: padToken(config) })
}

const withConfigFile = (files: OwnTokenizer['files'], config: ModelConfig) =>
  'tokenizer_config.json' in files
    ? files
    : { ...files, 'tokenizer_config.json': tokenizerConfigFile(JSON.parse(files['tokenizer.json'] ?? ''), config) }
