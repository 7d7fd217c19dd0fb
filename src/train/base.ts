/** New bases, which `writeBase` writes as Hugging Face folders. */
import { familyNamed, parseConfig } from '../core/families.ts'
import { type NewModelSizes, tutorialSizes } from '../core/family.ts'
import { initializeBase } from '../core/initialize.ts'
import { createRandom } from '../core/random.ts'
import type { Base } from '../files/base-folder.ts'

/** What a new base is: its family, by its `model_type`, and its sizes. */
export interface NewBase extends Partial<NewModelSizes> {
  /** @default 'gpt2' */
  family?: string
}

/**
 * A model with random weights, of any family.
 * @param model by default the tutorial's: a GPT-2 of 4 layers, 256 wide, 8 heads, feed-forward 512, for texts of up to 256 tokens of
 *   GPT-2's vocabulary
 * @param seed of the weights: the same seed gives the same ones
 * @throws GraftError `usage` for a family that there is not, `config` for sizes that do not go together
 * @example
 * import { createBase, writeBase } from 'graft-lora/train'
 *
 * await writeBase('runs/random', createBase({ layers: 2, width: 64 }, 1))
 *
 * const { config } = createBase({ family: 'bert', width: 32, layers: 2, heads: 2, inner: 64, positions: 64 }, 1)
 * console.log(config.model_type)
 */
export function createBase({ family = 'gpt2', ...sizes }: NewBase, seed: number): Pick<Base, 'config' | 'weights'> {
  const { classes, fieldsOf, newTokens } = familyNamed(family)
  const fields = { ...fieldsOf({ ...tutorialSizes, ...sizes }), ...newTokens }
  const config = parseConfig({ model_type: family, architectures: [classes.bare], ...fields })
  return { config, weights: initializeBase(config, createRandom(seed)) }
}
