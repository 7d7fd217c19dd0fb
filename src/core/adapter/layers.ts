/** What an adapter's configuration says about each layer: whether it has an adapter, its rank and its scale, by PEFT's rules. */
import { GraftError } from '../errors.ts'
import { type TargetLayer, isNamed, loraScaling, targetMatcher } from '../lora.ts'
import type { Module } from '../layers.ts'
import type { AdapterConfig } from './config.ts'
import { compileExpression } from './expression.ts'

/** Of layers by the names that they had in the model that PEFT saw. */
export interface LayerRules {
  /** The names of those that have an adapter. */
  adapted(layers: readonly TargetLayer[]): string[]
  /** The rank of a layer: `r`, unless `rank_pattern` says otherwise. */
  rank(name: string): number
  /** The factor s of a layer's s·A·B, as PEFT computes it: α/r or α/√r, with the layer's own r and α. */
  scaling(name: string): number
  /**
   * Settings that mean no part of a model, such as `rank_pattern "c_porj"`: whoever wrote them had another model in mind, or
   * another name.
   */
  idle(modules: readonly Module[]): string[]
}

type Matches = (name: string) => boolean

/** A value of a pattern, and the layers that it is for. */
interface PatternEntry {
  key: string
  matches: Matches
  value: number
}

const quoted = (value: unknown) => JSON.stringify(value)

/**
 * The rules of a configuration.
 * @param file `adapter_config.json`, for errors
 * @throws GraftError `adapter` for a regular expression that is not supported
 */
export async function createLayerRules(config: AdapterConfig, file: string): Promise<LayerRules> {
  const { target_modules, exclude_modules, r, lora_alpha, use_rslora } = config
  checkAmount(config, file)
  const isTarget = await targetMatcher(target_modules, { field: 'target_modules', file })
  const isExcluded = await exclusionOf(config, file)
  const isWhole = await wholeness(config, file)
  const blocks = await createBlocks(config, file)
  const ranks = await readPattern(config.rank_pattern, 'rank_pattern', file)
  const alphas = await readPattern(config.alpha_pattern, 'alpha_pattern', file)
  /** The first key that matches counts. */
  const find = (entries: PatternEntry[], name: string) => entries.find(({ matches }) => matches(name))?.value
  const rank = (name: string) => find(ranks, name) ?? r

  function isAdapted(layer: TargetLayer): boolean {
    const { name } = layer
    if (isExcluded(name) || isWhole(name) || !isTarget(layer)) return false
    // A whole name, and what a regular expression matches, is adapted whatever its block.
    return !Array.isArray(target_modules) || target_modules.includes(name) || blocks.isChosen(name)
  }

  return {
    adapted: (all) => all.flatMap((layer) => (isAdapted(layer) ? [layer.name] : [])),
    rank,
    scaling: (name) =>
      loraScaling({ mode: use_rslora ? 'rslora' : 'peft', alpha: find(alphas, name) ?? lora_alpha, rank: rank(name) }),
    idle(modules) {
      const all = modules.map(({ name }) => name)
      const layers = modules.flatMap(({ name, adaptable }) => (adaptable ? [name] : []))
      const entries = (list: string[], names: string[]) =>
        list.filter((entry) => !names.some((name) => isNamed(name, entry)))
      const keys = (pattern: PatternEntry[]) =>
        pattern.flatMap(({ key, matches }) => (layers.some(matches) ? [] : [quoted(key)]))
      const excluded = Array.isArray(exclude_modules)
        ? entries(exclude_modules, all).map(quoted)
        : exclude_modules && !all.some(isExcluded)
          ? [quoted(exclude_modules)]
          : []
      // PEFT's `all-linear` lists what is trained whole or excluded as well.
      const targeted = [...layers, ...all.filter((name) => isWhole(name) || isExcluded(name))]
      const targets = Array.isArray(target_modules) ? entries(target_modules, targeted) : []
      return [
        ...targets.map((each) => `target_modules ${quoted(each)}`),
        ...excluded.map((each) => `exclude_modules ${each}`),
        ...keys(ranks).map((each) => `rank_pattern ${each}`),
        ...keys(alphas).map((each) => `alpha_pattern ${each}`),
        ...blocks.idle(layers),
      ]
    },
  }
}

/** Characters that all expressions may have together, and what each takes besides: matching takes time in proportion. */
const MOST = 21_000
const EACH = 20

function checkAmount(
  { rank_pattern, alpha_pattern, modules_to_save, layers_pattern }: AdapterConfig,
  file: string,
): void {
  const keys = [rank_pattern, alpha_pattern].flatMap((pattern) => Object.keys(pattern ?? {}))
  const all = [...keys, ...(modules_to_save ?? []), ...[layers_pattern ?? []].flat()]
  if (all.reduce((sum, { length }) => sum + length + EACH, 0) <= MOST) return
  throw new GraftError('adapter', `${file}: its ${all.length} patterns are too long for a model of this size`, {
    hint: 'Write fewer patterns, each for more layers.',
    file,
  })
}

async function exclusionOf({ exclude_modules }: AdapterConfig, file: string): Promise<Matches> {
  if (Array.isArray(exclude_modules)) return (name) => exclude_modules.some((entry) => isNamed(name, entry))
  if (!exclude_modules) return () => false
  return (await compileExpression(exclude_modules, { field: 'exclude_modules', file })).fullMatch
}

/** Whether a layer lies in what is trained whole, and so has no adapter. */
async function wholeness({ modules_to_save }: AdapterConfig, file: string): Promise<Matches> {
  const tests: Matches[] = []
  for (const source of modules_to_save ?? []) {
    const wrap = (text: string) => `(^|.*\\.)${text}($|\\..*)`
    // A word is the expression that nearly all adapters have here, and needs no engine.
    if (/^\w+$/.test(source)) tests.push((name) => name.split('.').includes(source))
    else tests.push((await compileExpression(source, { field: 'modules_to_save', file, wrap })).match)
  }
  return (name) => tests.some((test) => test(name))
}

/** Each key is a regular expression for the end of a name, from a dot on. */
async function readPattern(
  pattern: Record<string, number> | null | undefined,
  field: string,
  file: string,
): Promise<PatternEntry[]> {
  const entries: PatternEntry[] = []
  for (const [key, value] of Object.entries(pattern ?? {})) {
    const wrap = (text: string) => `(.*\\.)?(${text})$`
    entries.push({ key, value, matches: (await compileExpression(key, { field, file, wrap })).match })
  }
  return entries
}

interface Blocks {
  /** Whether a layer is in one of the blocks that are to be adapted. */
  isChosen: Matches
  /** Settings of blocks that the layers are not in. */
  idle(layers: readonly string[]): string[]
}

/** `layers_to_transform` by number, found as `layers_pattern` says: `h` in `transformer.h.3.attn.c_attn` gives 3. */
async function createBlocks({ layers_to_transform, layers_pattern }: AdapterConfig, file: string): Promise<Blocks> {
  const chosen = [layers_to_transform ?? []].flat()
  const patterns: { source: string; matches: Matches }[] = []
  for (const source of [layers_pattern || []].flat()) {
    const wrap = (text: string) => `(?:^|.*?\\.)${text}\\.\\d+\\.`
    patterns.push({ source, matches: (await compileExpression(source, { field: 'layers_pattern', file, wrap })).match })
  }
  // Without a pattern, a number may follow any name that is not the first.
  const isBlock =
    patterns.length > 0
      ? (name: string) => patterns.some(({ matches }) => matches(name))
      : (name: string) => /^.*?\.[^.]*\.\d+\./.test(name)
  const blockOf = (name: string) => (isBlock(name) ? Number(/\.(\d+)\./.exec(name)?.[1]) : Number.NaN)
  return {
    isChosen: (name) => chosen.length === 0 || chosen.includes(blockOf(name)),
    idle(layers) {
      const there = new Set(layers.map(blockOf))
      return [
        ...patterns
          .filter(({ matches }) => !layers.some(matches))
          .map(({ source }) => `layers_pattern ${quoted(source)}`),
        ...chosen.filter((block) => !there.has(block)).map((block) => `layers_to_transform ${block}`),
      ]
    },
  }
}
