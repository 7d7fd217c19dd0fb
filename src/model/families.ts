/** How each family computes, by the `model_type` of a configuration. */
import type { FamilyFunctions } from './family.ts'
import { bert } from './families/bert.ts'
import { distilbert } from './families/distilbert.ts'
import { gpt2 } from './families/gpt2.ts'
import { llama } from './families/llama.ts'
import { mistral } from './families/mistral.ts'
import { qwen2 } from './families/qwen2.ts'
import { qwen3 } from './families/qwen3.ts'
import { roberta } from './families/roberta.ts'

const families: Readonly<Record<string, FamilyFunctions>> = {
  gpt2,
  bert,
  distilbert,
  roberta,
  'xlm-roberta': roberta,
  llama,
  mistral,
  qwen2,
  qwen3,
}

/** Class scores of each text: see `FamilyFunctions`. */
export const classify: FamilyFunctions['classify'] = (config, ...others) => {
  const family = families[config.model_type]
  if (!family) throw new Error(`nothing computes "${config.model_type}"`)
  return family.classify(config, ...others)
}
