/** New bases, which `writeBase` writes as Hugging Face folders. */
import { type GPT2Config, createConfig } from '../core/families/gpt2.ts'
import { createRandom } from '../core/random.ts'
import type { Base } from '../files/base-folder.ts'
import { initializeBase } from '../model/initialize.ts'

/**
 * A GPT-2 with random weights.
 * @param fields by default the tutorial's model: 4 layers, 256 wide, 8 heads, feed-forward 512, texts of up to 256 tokens
 * @param seed of the weights: the same seed gives the same ones
 * @throws GraftError `config`
 * @example
 * import { createBase, writeBase } from 'graft-lora/train'
 *
 * await writeBase('runs/random', createBase({ n_layer: 2, n_embd: 64 }, 1))
 */
export function createBase(fields: Partial<GPT2Config>, seed: number): Pick<Base, 'config' | 'weights'> {
  const config = createConfig(fields)
  return { config, weights: initializeBase(config, createRandom(seed)) }
}
