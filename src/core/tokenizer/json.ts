/** A tokenizer made of a `tokenizer.json`, with the ids that Hugging Face's tokenizers gives, in time proportional to the text's length. */
import * as z from 'zod/mini'
import { GraftError } from '../errors.ts'
import type { Encoded, Tokenizer } from '../tokenizer.ts'
import { unknownId } from './bytes.ts'
import { type AddedToken, type Section, addedSchema, createFinder } from './json/added.ts'
import type { Model } from './json/model.ts'
import { makeNormalizer } from './json/normalizers.ts'
import { type Makers, NotSupported, fields, make } from './json/part.ts'
import { makeCut } from './json/pieces.ts'
import { checkSettings } from './json/settings.ts'
import { NOTHING, type Surroundings, makeSurroundings } from './json/template.ts'
import { sizeOf } from './json/vocabulary.ts'

const schema = z.object({
  added_tokens: z._default(z.array(addedSchema), []),
  normalizer: z.nullish(z.unknown()),
  pre_tokenizer: z.nullish(z.unknown()),
  model: z.unknown(),
  post_processor: z.nullish(z.unknown()),
  decoder: z.nullish(z.unknown()),
})

/** Each loaded by need. */
const models: Makers<Promise<Model>> = {
  BPE: async (part) => (await import('./json/byte-pair.ts')).createBytePair(part),
  WordPiece: async (part) => (await import('./json/word-piece.ts')).createWordPiece(part),
  Unigram: async (part) => (await import('./json/unigram.ts')).createUnigram(part),
}

/** What the file asks for and Graft does not do, as users see it. */
function explain(error: unknown, file: string): unknown {
  if (!(error instanceof NotSupported)) return error
  return new GraftError('config', `${file}: not supported: ${error.message}`, {
    hint: 'Use a base whose tokenizer is WordPiece, BPE or Unigram as BERT, RoBERTa, XLM-RoBERTa, Llama, Mistral and Qwen have them.',
    file,
  })
}

/**
 * Makes a tokenizer of its files.
 * @param json parsed `tokenizer.json`
 * @param config parsed `tokenizer_config.json`, if there is one
 * @param file path of `tokenizer.json`, for errors
 * @throws GraftError `config` for what is no tokenizer or needs what Graft has not
 */
export async function createJsonTokenizer(json: unknown, config: unknown, file: string): Promise<Tokenizer> {
  try {
    const parts = fields(schema, json, 'tokenizer.json')
    const surroundings = parts.post_processor ? makeSurroundings(parts.post_processor) : NOTHING
    checkSettings(config, parts, surroundings)
    return await assemble(parts, surroundings, file)
  } catch (error) {
    throw explain(error, file)
  }
}

async function assemble(
  { added_tokens: added, ...parts }: z.infer<typeof schema>,
  { before, after }: Surroundings,
  file: string,
): Promise<Tokenizer> {
  const model = await make('model', parts.model, models)
  const normalize = parts.normalizer ? await makeNormalizer(parts.normalizer) : (text: string) => text
  const cut = parts.pre_tokenizer ? await makeCut(parts.pre_tokenizer) : (text: string) => [text]
  const ids = new Map([...model.vocabulary, ...added.map(({ content, id }) => [content, id] as const)])
  const tokens = new Map(Array.from(ids, ([token, id]) => [id, token]))
  const vocabularySize = sizeOf(ids)
  const find = createFinder(byContent(added, false))
  const findNormalized = createFinder(byContent(added, true, normalize))

  /** Stretches of text without added tokens, normalized, and the tokens between. */
  function* sections(text: string): Generator<Section> {
    for (const section of find(text)) {
      if ('id' in section) yield section
      else
        for (const inner of findNormalized(normalize(section.text)))
          yield 'id' in inner ? inner : { text: inner.text, start: section.start + inner.start }
    }
  }

  function* tokensOf(text: string): Generator<number> {
    for (const section of sections(text)) {
      if ('id' in section) yield section.id
      else if (section.text !== '')
        for (const piece of cut(section.text, section.start === 0)) yield* model.encode(piece)
    }
  }

  function encode(text: string, maxLength = Infinity): Encoded {
    const room = Math.max(0, maxLength - before.length - after.length)
    const ofText: number[] = []
    let truncated = before.length + after.length > maxLength
    for (const id of tokensOf(text.replace(/\p{Surrogate}/gu, '\ufffd'))) {
      truncated ||= ofText.length === room
      if (truncated) break
      ofText.push(id)
    }
    return { ids: [...before, ...ofText, ...after].slice(0, maxLength), truncated }
  }

  function tokenOf(id: number): string {
    const token = tokens.get(id)
    if (token === undefined) throw unknownId(id, vocabularySize)
    return token
  }

  async function decode(all: readonly number[]): Promise<string> {
    if (!parts.decoder) return all.map(tokenOf).join(' ')
    const { makeDecoder } = await import('./json/decoders.ts')
    try {
      return makeDecoder(parts.decoder)(all.map(tokenOf)).join('')
    } catch (error) {
      throw explain(error, file)
    }
  }

  return { encode, decode, vocabularySize }
}

/** Tokens by what they are found by, of those that are looked for before a text is normalized or of those after. */
const byContent = (added: readonly AddedToken[], normalized: boolean, normalize = (text: string) => text) =>
  new Map(added.filter((token) => token.normalized === normalized).map((token) => [normalize(token.content), token]))
