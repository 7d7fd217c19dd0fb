/** Where the base is that ships with Graft. */
import { fileURLToPath } from 'node:url'

/**
 * The folder of the small base that ships with Graft.
 * @example
 * import { readBase, shippedBase } from 'graft-lora/train'
 *
 * const { config } = await readBase(shippedBase())
 * console.log(config.n_layer)
 */
export const shippedBase = (): string => fileURLToPath(new URL('../../models/gpt-mini', import.meta.url))
