/** `tokenizer_config.json` for a tokenizer that came without one, without which transformers.js reads no folder, and no library cuts texts. */
import * as z from 'zod/mini'
import { modelOf } from '../families.ts'
import type { ModelConfig } from '../family.ts'

const schema = z.object({
  added_tokens: z._default(z.array(z.object({ id: z.number(), content: z.string() })), []),
  pre_tokenizer: z.nullish(z.object({ add_prefix_space: z.optional(z.boolean()) })),
})

/**
 * Its content, as transformers' `PreTrainedTokenizerFast` reads it.
 * @param json parsed `tokenizer.json`
 */
export function tokenizerConfigFile(json: unknown, config: ModelConfig): string {
  const { padTokenId, sizes, tokenTypes = false } = modelOf(config)
  const { added_tokens: added = [], pre_tokenizer: pre } = schema.safeParse(json).data ?? {}
  const fields = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: sizes.positions,
    model_input_names: ['input_ids', ...(tokenTypes ? ['token_type_ids'] : []), 'attention_mask'],
    pad_token: added.find(({ id }) => id === padTokenId)?.content,
    // Which transformers sets in the tokenizer to false where this says nothing.
    add_prefix_space: pre?.add_prefix_space,
  }
  return `${JSON.stringify(fields, undefined, 2)}\n`
}
