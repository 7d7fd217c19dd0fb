/** GPT-2's tokenizer as the files that Hugging Face's libraries read, derived from a byte-pair vocabulary. */
import { byteCharacters } from './bytes.ts'
import { mergePairs } from './merge.ts'
import { type BytePairRanks, parseRanks } from './ranks.ts'

const END_OF_TEXT = '<|endoftext|>'

interface Vocabulary {
  /** Tokens by id, `<|endoftext|>` last. */
  tokens: string[]
  /** The two tokens that each token from 256 on is made of, in the order of its id. */
  merges: [string, string][]
}

/** Deriving takes some 0.3 s, and a program writes many folders. */
const derived = new WeakMap<BytePairRanks, Vocabulary>()

function vocabularyOf(ranks: BytePairRanks): Vocabulary {
  const vocabulary = derived.get(ranks) ?? deriveVocabulary(ranks)
  derived.set(ranks, vocabulary)
  return vocabulary
}

/** A token's parts are what it falls into where only earlier merges are known. */
function deriveVocabulary({ bpe_ranks, special_tokens }: BytePairRanks): Vocabulary {
  const characters = byteCharacters()
  const toText = (bytes: string) => Array.from(bytes, (byte) => characters[byte.charCodeAt(0)]).join('')
  const ranks = parseRanks(bpe_ranks)
  const tokens: string[] = []
  for (const [bytes, id] of ranks) tokens[id] = toText(bytes)
  const merges: Vocabulary['merges'] = []
  for (const [bytes, id] of [...ranks].sort(([, a], [, b]) => a - b)) {
    if (bytes.length === 1) continue
    const [left, right, ...rest] = mergePairs(bytes, { get: (part) => earlier(ranks.get(part), id) })
    const pair = [tokens[left ?? -1], tokens[right ?? -1]]
    if (!pair[0] || !pair[1] || rest.length > 0) throw new Error(`token ${id} is not a pair of earlier tokens`)
    merges.push([pair[0], pair[1]])
  }
  for (const [name, id] of Object.entries(special_tokens)) tokens[id] = name
  return { tokens, merges }
}

const earlier = (rank: number | undefined, id: number) => (rank !== undefined && rank < id ? rank : undefined)

/** JSON of the token ids by token. Not by way of an object: JavaScript would move tokens that are numbers to the front. */
const vocabularyJson = (tokens: readonly string[]) =>
  `{${tokens.map((token, id) => `${JSON.stringify(token)}:${id}`).join(',')}}`

const added = (content: string, special: boolean) => ({
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special,
})

const byteLevel = (add_prefix_space: boolean, trim_offsets: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space,
  trim_offsets,
  use_regex: true,
})

export interface TokenizerFilesOptions {
  /** Longest text that the model takes, in tokens. */
  maxLength: number
  /** Id of the token that pads. One past the vocabulary is a token of its own, `[PAD]`. */
  padTokenId: number
}

export type TokenizerFiles = Record<'vocab.json' | 'merges.txt' | 'tokenizer.json' | 'tokenizer_config.json', string>

/**
 * The files from which transformers, tokenizers and transformers.js make the same tokenizer; `vocab.json` and
 * `merges.txt` are GPT-2's own to the byte. Takes about half a second.
 * @param ranks the default export of `js-tiktoken/ranks/gpt2`
 */
export function tokenizerFiles(ranks: BytePairRanks, { maxLength, padTokenId }: TokenizerFilesOptions): TokenizerFiles {
  const { tokens, merges } = vocabularyOf(ranks)
  const padToken = tokens[padTokenId] ?? '[PAD]'
  const special = [...new Map([[tokens.indexOf(END_OF_TEXT), END_OF_TEXT]]).set(padTokenId, padToken)]
  const vocabulary = vocabularyJson(tokens)
  const model =
    '{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":"","end_of_word_suffix":"",' +
    `"fuse_unk":false,"byte_fallback":false,"ignore_merges":false,"vocab":${vocabulary},"merges":${JSON.stringify(merges)}}`
  const pipeline = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map(([id, content]) => ({ id, ...added(content, true) })),
    normalizer: null,
    pre_tokenizer: byteLevel(false, true),
    post_processor: byteLevel(true, false),
    decoder: byteLevel(true, true),
  }
  const config = {
    add_prefix_space: false,
    added_tokens_decoder: Object.fromEntries(special.map(([id, content]) => [String(id), added(content, true)])),
    bos_token: END_OF_TEXT,
    clean_up_tokenization_spaces: false,
    eos_token: END_OF_TEXT,
    model_max_length: maxLength,
    pad_token: padToken,
    padding_side: 'right',
    tokenizer_class: 'GPT2Tokenizer',
    unk_token: END_OF_TEXT,
  }
  return {
    'vocab.json': vocabulary,
    'merges.txt': `#version: 0.2\n${merges.map((pair) => pair.join(' ')).join('\n')}\n`,
    'tokenizer.json': `${JSON.stringify(pipeline).slice(0, -1)},"model":${model}}`,
    'tokenizer_config.json': `${JSON.stringify(config, undefined, 2)}\n`,
  }
}
