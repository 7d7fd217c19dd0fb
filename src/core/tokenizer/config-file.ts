/** `tokenizer_config.json` for a tokenizer that came without one, without which transformers.js reads no folder, and no library cuts texts. */
import * as z from 'zod/mini'
import { modelOf } from '../families.ts'
import type { ModelConfig } from '../family.ts'

const schema = z.object({
  added_tokens: z._default(z.array(z.object({ id: z.number(), content: z.string() })), []),
})

/**
 * Its content, as transformers' `PreTrainedTokenizerFast` reads it.
 * @param json parsed `tokenizer.json`
 */
export function tokenizerConfigFile(json: unknown, config: ModelConfig): string {
  const { padTokenId, sizes, tokenTypes = false } = modelOf(config)
  const added = schema.safeParse(json).data?.added_tokens ?? []
  const fields = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: sizes.positions,
    model_input_names: ['input_ids', ...(tokenTypes ? ['token_type_ids'] : []), 'attention_mask'],
    pad_token: added.find(({ id }) => id === padTokenId)?.content,
  }
  return `${JSON.stringify(fields, undefined, 2)}\n`
}
