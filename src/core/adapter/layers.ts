/** What an adapter's configuration says about each layer: whether it has an adapter, its rank and its scale, by PEFT's rules. */
import { GraftError } from '../errors.ts'
import { loraScaling, targetMatcher } from '../lora.ts'
import type { AdapterConfig } from './config.ts'

/** @throws GraftError `adapter` where a text of the configuration is no regular expression */
function regex(source: string, field: string): RegExp {
  try {
    return new RegExp(source)
  } catch (error) {
    throw new GraftError('adapter', `${field} ${JSON.stringify(source)}: ${(error as Error).message}`, {
      hint: 'Correct the pattern in adapter_config.json.',
      value: source,
      cause: error,
    })
  }
}

/** The value that a pattern gives a layer: of the first key that matches the end of its name, from a dot on. */
function fromPattern(pattern: Record<string, number> | null | undefined, field: string, name: string) {
  const key = Object.keys(pattern ?? {}).find((key) => regex(`^(.*\\.)?(${key})$`, field).test(name))
  return key === undefined ? undefined : pattern?.[key]
}

/** The rank of a layer: `r`, unless `rank_pattern` says otherwise. */
export const layerRank = ({ r, rank_pattern }: AdapterConfig, name: string): number =>
  fromPattern(rank_pattern, 'rank_pattern', name) ?? r

/** The factor s of a layer's s·A·B, as PEFT computes it: α/r or α/√r, with the layer's own r and α. */
export function layerScaling(config: AdapterConfig, name: string): number {
  const alpha = fromPattern(config.alpha_pattern, 'alpha_pattern', name) ?? config.lora_alpha
  return loraScaling({ mode: config.use_rslora ? 'rslora' : 'peft', alpha, rank: layerRank(config, name) })
}

/** The block that a layer is in, found as `layers_pattern` says: `h` in `transformer.h.3.attn.c_attn` gives 3. */
function blockOf(name: string, patterns: string | string[] | null | undefined): number | undefined {
  const given = [patterns ?? []].flat()
  const sources = given.length > 0 ? given.map((each) => `(?:^|.*?\\.)${each}`) : ['.*?\\.[^.]*']
  const found = sources.map((source) => regex(`^${source}\\.(\\d+)\\.`, 'layers_pattern').exec(name)?.at(-1))
  const block = found.find((each) => each !== undefined)
  return block === undefined ? undefined : Number(block)
}

/**
 * The layers that have an adapter.
 * @param names the base's layers that can be adapted
 * @throws GraftError `usage`, `adapter` for a regular expression that is none
 */
export function adaptedLayers(config: AdapterConfig, names: readonly string[]): string[] {
  const { target_modules, exclude_modules, layers_to_transform, layers_pattern } = config
  const isTarget = targetMatcher(target_modules)
  const isExcluded = exclude_modules ? targetMatcher(exclude_modules) : () => false
  const blocks = [layers_to_transform ?? []].flat()
  // A regular expression names whole layers, so it leaves no blocks to choose.
  const isChosen = (name: string) =>
    blocks.length === 0 ||
    !Array.isArray(target_modules) ||
    blocks.includes(blockOf(name, layers_pattern) ?? Number.NaN)
  return names.filter((name) => isTarget(name) && !isExcluded(name) && isChosen(name))
}
