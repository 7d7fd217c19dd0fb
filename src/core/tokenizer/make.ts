/** Makes a tokenizer of its source. Each kind is loaded by need: a page has one of them. */
import { GraftError } from '../errors.ts'
import type { Tokenizer, TokenizerSource } from '../tokenizer.ts'
import type { BytePairRanks } from './ranks.ts'

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new GraftError('file-format', `${file} is not JSON: ${(cause as Error).message}`, {
      hint: 'It is damaged: copy it again.',
      file,
      cause,
    })
  }
}

/**
 * @param ranks GPT-2's vocabulary, for a source that is GPT-2's
 * @throws GraftError `config` for a tokenizer that is not supported, `file-format`
 */
export async function makeTokenizer(source: TokenizerSource, ranks: BytePairRanks | undefined): Promise<Tokenizer> {
  if (source !== 'gpt2') {
    const { files, path } = source
    const config = files['tokenizer_config.json']
    const configFile = path.replace('tokenizer.json', 'tokenizer_config.json')
    const settings = config === undefined ? undefined : parse(config, configFile)
    const { createJsonTokenizer } = await import('./json.ts')
    return createJsonTokenizer(parse(files['tokenizer.json'] ?? '', path), settings, path)
  }
  if (!ranks) throw new Error("GPT-2's vocabulary was not loaded")
  const { createGpt2Tokenizer } = await import('./gpt2.ts')
  return createGpt2Tokenizer(ranks)
}
