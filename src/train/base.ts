/** New bases, which `writeBase` writes as Hugging Face folders. */
import { familyNamed, parseConfig } from '../core/families.ts'
import { type GPT2Config, createConfig } from '../core/families/gpt2.ts'
import type { NewModelSizes } from '../core/family.ts'
import { createRandom } from '../core/random.ts'
import type { Base } from '../files/base-folder.ts'
import { initializeBase } from '../core/initialize.ts'

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

/**
 * A model of any family with random weights.
 * @param family its `model_type`
 * @throws GraftError `usage` for a family that there is not, `config`
 * @example
 * import { createFamilyBase } from 'graft-lora/train'
 *
 * const sizes = { width: 32, layers: 2, heads: 2, inner: 64, positions: 64, vocabulary: 50_257 }
 * const { config } = createFamilyBase('bert', sizes, 1)
 * console.log(config.model_type)
 */
export function createFamilyBase(family: string, sizes: NewModelSizes, seed: number): Pick<Base, 'config' | 'weights'> {
  const { classes, fieldsOf } = familyNamed(family)
  if (family === 'gpt2') return createBase(fieldsOf(sizes), seed)
  const fields = { model_type: family, architectures: [classes.bare], ...fieldsOf(sizes) }
  const config = parseConfig(fields)
  return { config, weights: initializeBase(config, createRandom(seed)) }
}
