/**
 * A tokenizer with fewer tokens: a text all of whose tokens are kept is cut into the same ones; others fall into smaller pieces. What is
 * written are the files of Hugging Face's libraries again.
 */
import * as z from 'zod/mini'
import type { OwnTokenizer } from '../tokenizer.ts'
import { vocabularySchema } from './json/vocabulary.ts'

/** Pieces of one character are kept in these, so that words which were dropped can be spelled. */
const SPELLING = /^(##|▁|Ġ)?[\x21-\x7e]$/

const id = z.int().check(z.nonnegative())
const pairSchema = z.union([z.string(), z.tuple([z.string(), z.string()])])
const modelSchema = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('WordPiece'), vocab: vocabularySchema }),
  z.looseObject({ type: z.literal('BPE'), vocab: vocabularySchema, merges: z.array(pairSchema) }),
  z.looseObject({
    type: z.literal('Unigram'),
    vocab: z.array(z.tuple([z.string(), z.number()])),
    unk_id: z.nullish(id),
  }),
])
type Model = z.infer<typeof modelSchema>

const tokenizerSchema = z.looseObject({
  model: modelSchema,
  added_tokens: z._default(z.array(z.looseObject({ id, content: z.string() })), []),
  padding: z.nullish(z.looseObject({ pad_id: z.optional(id) })),
  post_processor: z.optional(z.unknown()),
})

export interface NarrowTokenizer {
  files: OwnTokenizer['files']
  /** Old ids by new ones, in their old order. */
  ids: number[]
}

/**
 * @param files of a tokenizer, `tokenizer.json` among them
 * @param used tokens to be kept; added tokens, single ASCII characters, bytes and what merges are made of are kept beside them
 * @throws ZodError for a `tokenizer.json` of another form
 */
export function narrowTokenizer(files: OwnTokenizer['files'], used: ReadonlySet<number>): NarrowTokenizer {
  const json = z.parse(tokenizerSchema, JSON.parse(files['tokenizer.json'] ?? ''))
  const { model, added_tokens: added } = json
  const tokens = tokensOf(model)
  const wanted = new Set([...used, ...added.map((token) => token.id)])
  for (const [token, at] of tokens) if (isNeeded(token, model)) wanted.add(at)
  if (model.type === 'BPE') keepParts(model, wanted)
  if (model.type === 'Unigram' && typeof model.unk_id === 'number') wanted.add(model.unk_id)
  const ids = [...wanted].toSorted((a, b) => a - b)
  const places = new Map(ids.map((old, place) => [old, place]))
  const placeOf = (old: number): number => places.get(old) ?? fail(old)
  const small = narrowModel(model, places)
  const narrow = {
    ...json,
    added_tokens: added.map((token) => ({ ...token, id: placeOf(token.id) })),
    model: written(small),
    ...(json.padding?.pad_id !== undefined && {
      padding: { ...json.padding, pad_id: placeOf(json.padding.pad_id) },
    }),
    ...(json.post_processor !== undefined && { post_processor: movedIds(json.post_processor, placeOf) }),
  }
  return {
    files: { ...files, 'tokenizer.json': JSON.stringify(narrow), ...otherFiles(files, small, places) },
    ids,
  }
}

function fail(old: number): never {
  throw new Error(`token ${old} is not kept`)
}

/** Ids by token. */
const tokensOf = (model: Model): Map<string, number> =>
  new Map(model.type === 'Unigram' ? model.vocab.map(([token], at): [string, number] => [token, at]) : model.vocab)

/** What other tokens' texts are spelled with. Byte-level vocabularies have a character for each byte, which no merge makes. */
function isNeeded(token: string, model: Model): boolean {
  if (SPELLING.test(token) || /^<0x[0-9A-F]{2}>$/.test(token)) return true
  return model.type === 'BPE' && [...token].length === 1
}

const partsOf = (pair: z.infer<typeof pairSchema>): [string, string] => {
  if (typeof pair !== 'string') return pair
  const at = pair.indexOf(' ', 1)
  return [pair.slice(0, at), pair.slice(at + 1)]
}

/** A token is made by merges, from tokens that are made by merges; all ways to it are kept. */
function keepParts({ vocab, merges }: Model & { type: 'BPE' }, wanted: Set<number>): void {
  // Later merges are made of earlier ones' tokens.
  for (const pair of merges.toReversed()) {
    const parts = partsOf(pair)
    if (!wanted.has(vocab.get(parts.join('')) ?? -1)) continue
    for (const part of parts) wanted.add(vocab.get(part) ?? fail(-1))
  }
}

function narrowModel(model: Model, places: ReadonlyMap<number, number>): Model {
  if (model.type === 'Unigram') {
    const { unk_id: unknown } = model
    return {
      ...model,
      vocab: model.vocab.filter((_, at) => places.has(at)),
      ...(typeof unknown === 'number' && { unk_id: places.get(unknown) ?? fail(unknown) }),
    }
  }
  const kept = [...model.vocab].flatMap(([token, old]): [string, number][] => {
    const place = places.get(old)
    return place === undefined ? [] : [[token, place]]
  })
  const vocab = new Map(kept.toSorted(([, a], [, b]) => a - b))
  if (model.type === 'WordPiece') return { ...model, vocab }
  return { ...model, vocab, merges: model.merges.filter((pair) => isKept(partsOf(pair), vocab)) }
}

const isKept = (parts: readonly string[], vocab: ReadonlyMap<string, number>): boolean =>
  [...parts, parts.join('')].every((token) => vocab.has(token))

/** As JSON has it; `__proto__` is a token like any other. */
const written = (model: Model): object =>
  model.type === 'Unigram' ? model : { ...model, vocab: Object.fromEntries(model.vocab) }

/** The ids in a post-processor: pairs of a token and its id, and objects with `ids`. */
function movedIds(value: unknown, placeOf: (old: number) => number): unknown {
  if (Array.isArray(value)) {
    const [token, old, ...rest] = value as unknown[]
    if (typeof token === 'string' && typeof old === 'number' && rest.length === 0) return [token, placeOf(old)]
    return value.map((each) => movedIds(each, placeOf))
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]: [string, unknown]) =>
      name === 'ids' && Array.isArray(each)
        ? [name, each.map((old) => placeOf(Number(old)))]
        : [name, movedIds(each, placeOf)],
    ),
  )
}

/** The files beside `tokenizer.json` that name ids, where they are there. */
function otherFiles(
  files: OwnTokenizer['files'],
  model: Model,
  places: ReadonlyMap<number, number>,
): Record<string, string> {
  const made: Record<string, string> = {}
  if (model.type !== 'Unigram') {
    // By id, which an object would not keep: it gives keys that are numbers first.
    if ('vocab.txt' in files) made['vocab.txt'] = `${[...model.vocab.keys()].join('\n')}\n`
    if ('vocab.json' in files) made['vocab.json'] = JSON.stringify(Object.fromEntries(model.vocab))
  }
  if (model.type === 'BPE' && 'merges.txt' in files)
    made['merges.txt'] = `#version: 0.2\n${model.merges.map((pair) => partsOf(pair).join(' ')).join('\n')}\n`
  if (files['added_tokens.json']) {
    const added = z.parse(vocabularySchema, JSON.parse(files['added_tokens.json']))
    made['added_tokens.json'] = JSON.stringify(
      Object.fromEntries([...added].map(([token, old]) => [token, places.get(old) ?? fail(old)])),
    )
  }
  if (files['tokenizer_config.json']) {
    const config = z.parse(
      z.looseObject({ added_tokens_decoder: z.optional(z.record(z.string(), z.unknown())) }),
      JSON.parse(files['tokenizer_config.json']),
    )
    const { added_tokens_decoder: decoder } = config
    const moved = decoder && {
      added_tokens_decoder: Object.fromEntries(
        Object.entries(decoder).map(([old, token]) => [places.get(Number(old)) ?? fail(Number(old)), token]),
      ),
    }
    made['tokenizer_config.json'] = JSON.stringify({ ...config, ...moved })
  }
  return made
}
