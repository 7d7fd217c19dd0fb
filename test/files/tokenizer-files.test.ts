/** The tokenizer's files that a model is written with: its own, and a configuration where it came without one. */
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { readTokenizer, tokenizerFilesOf } from '../../src/files/tokenizer-files.ts'
import { createBase } from '../../src/train/base.ts'

const sizes = { width: 8, layers: 1, heads: 2, inner: 8, positions: 32, vocabulary: 1200 }
const folderOf = (name: string) => fileURLToPath(new URL(`../interop/golden/tokenizers/${name}`, import.meta.url))

async function filesOf(family: string, tokenizer: string) {
  const source = await readTokenizer(folderOf(tokenizer))
  if (source === 'gpt2') throw new Error(`${tokenizer} is GPT-2's`)
  const { config } = createBase({ family, ...sizes }, 1)
  const write = (files: Record<string, string>) => tokenizerFilesOf({ ...source, files }, config)
  return { files: source.files, write }
}

const common = { tokenizer_class: 'PreTrainedTokenizerFast', model_max_length: 32 }
const [ids, types, mask] = ['input_ids', 'token_type_ids', 'attention_mask']

it.each([
  ['bert', 'bert-uncased', { model_input_names: [ids, types, mask], pad_token: '[PAD]' }],
  ['distilbert', 'bert-cased', { model_input_names: [ids, mask], pad_token: '[PAD]' }],
  ['roberta', 'roberta', { model_input_names: [ids, mask], pad_token: '<pad>', add_prefix_space: true }],
  ['qwen2', 'qwen2', { model_input_names: [ids, mask] }],
])('%s with the tokenizer %s gets a configuration', async (family, tokenizer, expected) => {
  const { files, write } = await filesOf(family, tokenizer)
  const { 'tokenizer_config.json': config = '', ...others } = write(files)
  expect(JSON.parse(config)).toEqual({ ...common, ...expected })
  expect(others).toEqual(files)
})

it('keeps the configuration that there is', async () => {
  const { files, write } = await filesOf('bert', 'bert-uncased')
  const own = { ...files, 'tokenizer_config.json': '{"model_max_length": 7}' }
  expect(write(own)).toBe(own)
})
