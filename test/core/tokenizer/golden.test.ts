/** Every kind of tokenizer.json, as test/interop/tokenizer_files.py trained them, against the ids of Hugging Face's tokenizers. */
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { createJsonTokenizer } from '../../../src/core/tokenizer/json.ts'
import { tokenizerSuite } from '../tokenizer.suite.ts'

const folder = fileURLToPath(new URL('../../interop/golden/tokenizers', import.meta.url))
const names = readdirSync(folder)
const read = (name: string, file: string) => JSON.parse(readFileSync(`${folder}/${name}/${file}`, 'utf8'))

/** By the names of their tokens. */
const surroundings: Record<string, [before: string[], after: string[]]> = {
  'bert-uncased': [['[CLS]'], ['[SEP]']],
  'bert-cased': [['[CLS]'], ['[SEP]']],
  'word-piece-parts': [['[CLS]'], ['[SEP]']],
  roberta: [['<s>'], ['</s>']],
  'xlm-roberta': [['<s>'], ['</s>']],
  albert: [[], ['</s>']],
  'llama-2': [['<s>'], []],
  'llama-2-metaspace': [['<s>'], []],
  'llama-3': [['<|begin_of_text|>'], []],
}

/** Each model, normalizer and way to cut is among them. */
const hostile = ['bert-uncased', 'qwen2', 'llama-2', 'xlm-roberta', 'albert']

for (const name of names) {
  const json = read(name, 'tokenizer.json')
  const idOf = (content: string): number =>
    json.added_tokens.find((token: { content: string }) => token.content === content).id
  const [before, after] = surroundings[name] ?? [[], []]
  tokenizerSuite({
    name,
    tokenizer: await createJsonTokenizer(json, undefined, `${name}/tokenizer.json`),
    cases: read(name, 'cases.json'),
    surroundings: [before.map(idOf), after.map(idOf)],
    isHostile: hostile.includes(name),
  })
}

it('has each kind', () => {
  expect(names.length).toBe(13)
})
