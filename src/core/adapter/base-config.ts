/** What of a base's configuration changes its results and cannot be seen in its weights: with their hash, a base's identity. */
import { modelOf } from '../families.ts'
import type { ModelConfig } from '../family.ts'

export type BaseConfig = Readonly<Record<string, string | number>>

/**
 * Fields by their names in `config.json`, and the tokenizer.
 * @param tokenizer as `tokenizerIdentity` has it
 */
export const baseConfigOf = (config: ModelConfig, tokenizer: string): BaseConfig => ({
  ...modelOf(config).identity,
  tokenizer,
})

/** The first field that two bases differ in, of those that both tell; undefined where there is none. */
export const differingField = (known: BaseConfig, other: BaseConfig): string | undefined =>
  Object.keys(known).find((name) => other[name] !== undefined && known[name] !== other[name])
