/** Token ids by a tokenizer.json against Python's tokenizers: trained ones of every kind and real ones, on all shared and on random texts. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createJsonTokenizer } from '../../src/core/tokenizer/json.ts'
import { hasSharedData, sharedData } from '../shared-data.ts'
import { sharedTexts } from './texts.ts'

const script = fileURLToPath(new URL('./tokenizer_files.py', import.meta.url))
const RANDOM_TEXTS = 20_000

/**
 * Characters that one library's tables know and the other's do not, as they are of another version of Unicode: at most
 * this part of random texts has one that matters.
 */
const OTHER_UNICODE = 0.002

function run(python: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(python, [script, ...args], {
    encoding: 'utf8',
    input,
    maxBuffer: 2 ** 30,
  })
  if (status === 0) return stdout
  throw error ?? new Error(stderr)
}

const lines = (text: string) => text.trimEnd().split('\n')

/** What tokenizers are trained on. */
const corpus = () =>
  ['corpus-en/inaugural.txt', 'sms-spam-multilingual/data-en-hi-de-fr.csv'].map((name) => sharedData(name))

/** Writes the tokenizers that the tests read, and the ids of some texts. */
export const trainTokenizers = (python: string, out: string): string => run(python, ['train', out, ...corpus()])

export interface TokenizerResult {
  name: string
  ok: boolean
  detail: string
}

/**
 * @param folders of a tokenizer.json each, by name
 * @param work an empty folder
 */
export async function* checkTokenizers(
  python: string,
  folders: ReadonlyMap<string, string>,
  work: string,
): AsyncGenerator<TokenizerResult> {
  const all = new Map(folders)
  if (hasSharedData) {
    const own = join(work, 'nmt-nfkc')
    mkdirSync(work, { recursive: true })
    run(python, ['nmt-nfkc', own, ...corpus()])
    all.set("SentencePiece's own table", own)
  }
  // Lone surrogates are no text to Python.
  const random = lines(run(python, ['texts', String(RANDOM_TEXTS)]))
  const shared = hasSharedData
    ? sharedTexts().map((text) => JSON.stringify(text.replaceAll(/\p{Surrogate}/gu, '\ufffd')))
    : []
  for (const [name, folder] of all) {
    const file = join(folder, 'tokenizer.json')
    const tokenizer = await createJsonTokenizer(JSON.parse(readFileSync(file, 'utf8')), undefined, file)
    const differing = (texts: readonly string[]) => {
      const expected = lines(run(python, ['ids', file], `${texts.join('\n')}\n`))
      const found = texts.filter((text, at) => JSON.stringify(tokenizer.encode(JSON.parse(text)).ids) !== expected[at])
      writeFileSync(join(work, `${name.replaceAll(/\W/g, '-')}-${texts.length}.jsonl`), `${found.join('\n')}\n`)
      return found.length
    }
    const [ofShared, ofRandom] = [shared.length > 0 ? differing(shared) : 0, differing(random)]
    yield {
      name: `token ids by tokenizer.json: ${name}`,
      ok: ofShared === 0 && ofRandom <= OTHER_UNICODE * random.length,
      detail: `other ids for ${ofShared} of ${shared.length} shared texts and ${ofRandom} of ${random.length} random ones`,
    }
  }
}

const project = fileURLToPath(new URL('../..', import.meta.url))

/** The trained tokenizers, and those of the real models that are there. */
export function tokenizerFolders(golden: string): Map<string, string> {
  const trained = readdirSync(join(golden, 'tokenizers')).map(
    (name) => [name, join(golden, 'tokenizers', name)] as const,
  )
  const real = ['minilm', 'smollm2'].map((name) => [name, join(project, 'models/hf', name)] as const)
  return new Map([...trained, ...real.filter(([, folder]) => existsSync(join(folder, 'tokenizer.json')))])
}
