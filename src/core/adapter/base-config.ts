/** What of a base's configuration changes its results and cannot be seen in its weights: with their hash, a base's identity. */
import type { GPT2Config } from '../config.ts'

export type BaseConfig = Readonly<Record<string, string | number>>

/** Fields by their names in `config.json`. The tokenizer is no part of it: it is GPT-2's for every base. */
export const baseConfigOf = ({ n_head, layer_norm_epsilon, activation_function }: GPT2Config): BaseConfig => ({
  n_head,
  layer_norm_epsilon,
  activation_function,
})

/** The first field that two bases differ in, of those that both tell; undefined where there is none. */
export const differingField = (known: BaseConfig, other: BaseConfig): string | undefined =>
  Object.keys(known).find((name) => other[name] !== undefined && known[name] !== other[name])
