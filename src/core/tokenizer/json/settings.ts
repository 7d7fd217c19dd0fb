/** `tokenizer_config.json`: transformers goes by it where it says other than `tokenizer.json`, so the two must agree. */
import * as z from 'zod/mini'
import { NotSupported, fields } from './part.ts'
import type { Surroundings } from './template.ts'

const flag = z.nullish(z.boolean())
const schema = z.object({
  truncation_side: z.optional(z.literal('right')),
  tokenizer_class: z.nullish(z.string()),
  do_lower_case: flag,
  add_prefix_space: flag,
  add_bos_token: flag,
  add_eos_token: flag,
})

const partsSchema = z.object({
  normalizer: z.nullish(z.looseObject({ type: z.string(), lowercase: z.optional(z.boolean()) })),
  pre_tokenizer: z.nullish(z.looseObject({ type: z.string(), add_prefix_space: z.optional(z.boolean()) })),
})

/** Classes of transformers that put the special tokens around a text themselves. */
const ownTemplate = /^(?:Code)?(?:Llama|Gemma|Cohere|GPTNeoX)Tokenizer/

/**
 * @param config parsed, if there is one
 * @throws NotSupported where the files contradict each other
 */
export function checkSettings(config: unknown, parts: unknown, { before, after }: Surroundings): void {
  if (config === undefined) return
  const said = fields(schema, config, 'tokenizer_config.json')
  const { normalizer, pre_tokenizer: cut } = fields(partsSchema, parts, 'tokenizer.json')
  const hasTemplate = ownTemplate.test(said.tokenizer_class ?? '')
  const pairs = [
    ['do_lower_case', said.do_lower_case, normalizer?.type === 'BertNormalizer' ? normalizer.lowercase : undefined],
    ['add_prefix_space', said.add_prefix_space, cut?.type === 'ByteLevel' ? cut.add_prefix_space : undefined],
    ['add_bos_token', said.add_bos_token, hasTemplate ? before.length > 0 : undefined],
    ['add_eos_token', said.add_eos_token, hasTemplate ? after.length > 0 : undefined],
  ] as const
  for (const [name, value, own] of pairs) {
    if (value == null || own === undefined || value === own) continue
    throw new NotSupported(
      `tokenizer_config.json has ${name} ${value}, tokenizer.json ${own}. In Python, AutoTokenizer.from_pretrained(X).save_pretrained(X) makes them one`,
    )
  }
}
