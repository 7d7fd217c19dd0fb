/** A tokenizer made of a `tokenizer.json`, with the ids that Hugging Face's tokenizers gives, in time proportional to the text's length. */
import * as z from 'zod/mini'
import { GraftError } from '../errors.ts'
import type { EncodeOptions, Encoded, Tokenizer } from '../tokenizer.ts'
import { unknownId } from './bytes.ts'
import { type AddedToken, type Section, addedSchema, createFinder } from './json/added.ts'
import { createBytePair } from './json/byte-pair.ts'
import { makeDecoder } from './json/decoders.ts'
import type { Model } from './json/model.ts'
import { makeNormalizer } from './json/normalizers.ts'
import { type Makers, NotSupported, fields, make } from './json/part.ts'
import { makeCut } from './json/pieces.ts'
import { makeSurroundings } from './json/template.ts'
import { createUnigram } from './json/unigram.ts'
import { sizeOf } from './json/vocabulary.ts'
import { createWordPiece } from './json/word-piece.ts'

/** A tokenizer's files, parsed. */
export interface TokenizerJson {
  'tokenizer.json': unknown
  'tokenizer_config.json'?: unknown
}

const schema = z.object({
  added_tokens: z._default(z.array(addedSchema), []),
  normalizer: z.nullish(z.unknown()),
  pre_tokenizer: z.nullish(z.unknown()),
  model: z.unknown(),
  post_processor: z.nullish(z.unknown()),
  decoder: z.nullish(z.unknown()),
  padding: z.nullish(z.object({ pad_id: z.number() })),
})

const configSchema = z.object({
  pad_token: z.nullish(z.union([z.string(), z.object({ content: z.string() })])),
  truncation_side: z.optional(z.literal('right')),
})

const models: Makers<Model> = { BPE: createBytePair, WordPiece: createWordPiece, Unigram: createUnigram }

/**
 * Makes a tokenizer of its files.
 * @param files parsed `tokenizer.json`, and `tokenizer_config.json` where there is one: it names the token that pads
 * @param folder where they are, for errors
 * @throws GraftError `config` for what is no tokenizer or needs what Graft has not
 */
export function createJsonTokenizer(files: TokenizerJson, folder: string): Tokenizer {
  let file = `${folder}/tokenizer.json`
  try {
    const parts = fields(schema, files['tokenizer.json'], 'tokenizer')
    file = `${folder}/tokenizer_config.json`
    const config = fields(configSchema, files['tokenizer_config.json'] ?? {}, 'tokenizer')
    file = `${folder}/tokenizer.json`
    return assemble(parts, config)
  } catch (error) {
    if (!(error instanceof NotSupported)) throw error
    throw new GraftError('config', `${file}: Graft's tokenizers have not ${error.message}`, {
      hint: 'Use a base whose tokenizer is of a kind that Graft has: WordPiece, BPE or Unigram as BERT, RoBERTa, Llama and Qwen use them.',
      file,
    })
  }
}

function assemble(parts: z.infer<typeof schema>, config: z.infer<typeof configSchema>): Tokenizer {
  const { added_tokens: added, padding } = parts
  const model = make('model', parts.model, models)
  const normalize = parts.normalizer ? makeNormalizer(parts.normalizer) : (text: string) => text
  const cut = parts.pre_tokenizer ? makeCut(parts.pre_tokenizer) : (text: string) => [text]
  const { before, after } = parts.post_processor ? makeSurroundings(parts.post_processor) : { before: [], after: [] }
  const decode = parts.decoder ? makeDecoder(parts.decoder) : (tokens: readonly string[]) => [tokens.join(' ')]
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

  function encode(text: string, { maxLength = Infinity }: EncodeOptions = {}): Encoded {
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

  const padToken = typeof config.pad_token === 'string' ? config.pad_token : config.pad_token?.content
  return {
    encode,
    decode: (all) => decode(all.map(tokenOf)).join(''),
    vocabularySize,
    padTokenId: padToken === undefined ? padding?.pad_id : ids.get(padToken),
  }
}

/** Tokens by what they are found by, of those that are looked for before a text is normalized or of those after. */
const byContent = (added: readonly AddedToken[], normalized: boolean, normalize = (text: string) => text) =>
  new Map(added.filter((token) => token.normalized === normalized).map((token) => [normalize(token.content), token]))
