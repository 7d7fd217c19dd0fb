/** How each family computes, by the `model_type` of a configuration. */
import type * as tf from '@tensorflow/tfjs'
import type { ModelConfig } from '../core/family.ts'
import type { FamilyFunctions, ForwardOptions, TokenBatch } from './family.ts'
import { bert } from './families/bert.ts'
import { distilbert } from './families/distilbert.ts'
import { gpt2 } from './families/gpt2.ts'
import { llama } from './families/llama.ts'
import { mistral } from './families/mistral.ts'
import { qwen2 } from './families/qwen2.ts'
import { qwen3 } from './families/qwen3.ts'
import { roberta } from './families/roberta.ts'
import type { Tensors } from './parameters.ts'

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

function functionsOf({ model_type: name }: ModelConfig): FamilyFunctions {
  const family = families[name]
  if (!family) throw new Error(`nothing computes "${name}"`)
  return family
}

/** A model without its head: see `FamilyFunctions`. */
export const states: FamilyFunctions['states'] = (config, ...others) => functionsOf(config).states(config, ...others)

/**
 * Class scores of each text, head and all.
 * @returns logits [batch, labels]
 */
export function classify(
  config: ModelConfig,
  parameters: Tensors,
  batch: TokenBatch,
  options: ForwardOptions,
): tf.Tensor2D {
  const { states, head } = functionsOf(config)
  return head(config, states(config, parameters, batch, { ...options, pool: true }), options)
}
