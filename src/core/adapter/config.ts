/** `adapter_config.json`, as PEFT writes and reads it (https://huggingface.co/docs/peft/package_reference/lora). */
import * as z from 'zod/mini'
import { familyOf } from '../families.ts'
import type { AdaptableLayer, ModelConfig } from '../family.ts'
import {
  type LoraLayer,
  type LoraScalingOptions,
  type TargetModules,
  isAllLinear,
  largestRank,
  rankOf,
} from '../lora.ts'
import { checkSchema } from '../schema.ts'

/** PEFT's settings that change the arithmetic or the tensors, and that Graft does not have. */
const unsupported = new Set([
  'alora_invocation_tokens',
  'arrow_config',
  'enable_lora',
  'kasa_config',
  'layer_replication',
  'lora_bias',
  'megatron_config',
  'merge_weights',
  'monteclora_config',
  'target_parameters',
  'trainable_token_indices',
  'use_bdlora',
  'use_dora',
  'use_qalora',
  'velora_config',
])

/** Settings that change nothing of what a trained adapter computes: where it comes from, and how training began. */
const harmless = new Set([
  'auto_mapping',
  'corda_config',
  'ensure_weight_tying',
  'eva_config',
  'fan_in_fan_out',
  'inference_mode',
  'loftq_config',
  'lora_ga_config',
  'megatron_core',
  'peft_version',
  'qalora_group_size',
  'revision',
  'runtime_config',
])

/** Initializations that leave the base's weights alone; the others (PiSSA, OLoRA, …) train on a changed base. */
const initializations = ['gaussian', 'eva', 'orthogonal'] as const

const only = (value: string) => ({
  error: ({ input }: { input?: unknown }) => `${shown(input)} is not supported, only ${value}`,
})

/** Of what is nested only the kind. */
function shown(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (value instanceof Object) return Array.isArray(value) ? '[…]' : '{…}'
  return String(JSON.stringify(value)).slice(0, 100)
}

/** Tasks whose adapters are of a model's blocks; which of them have a classification head is another question. */
const tasks = ['SEQ_CLS', 'CAUSAL_LM', 'FEATURE_EXTRACTION'] as const

const names = z.union([z.string(), z.array(z.string())], only('a list of names or an expression'))
const rank = z.int(only('whole numbers from 1 on')).check(z.positive(only('whole numbers from 1 on')))
const alpha = z.number(only('numbers above 0')).check(z.positive(only('numbers above 0')))
const block = z.int().check(z.nonnegative())

/** Whether a setting is switched on: not null, false, `{}` or `[]`. */
const isSet = (value: unknown) =>
  value instanceof Object ? Object.keys(value).length > 0 : value !== undefined && value !== null && value !== false

const fields = {
  peft_type: z.literal('LORA', only('LORA')),
  task_type: z.nullish(z.enum(tasks, only(tasks.join(', ')))),
  base_model_name_or_path: z.nullish(z.string()),
  r: rank,
  lora_alpha: alpha,
  lora_dropout: z._default(z.number().check(z.minimum(0), z.maximum(1)), 0),
  target_modules: names,
  exclude_modules: z.nullish(names),
  rank_pattern: z.nullish(z.record(z.string(), rank)),
  alpha_pattern: z.nullish(z.record(z.string(), alpha)),
  layers_to_transform: z.nullish(z.union([block, z.array(block)])),
  layers_pattern: z.nullish(names),
  modules_to_save: z.nullish(z.array(z.string())),
  bias: z._default(z.literal('none', only('none')), 'none'),
  use_rslora: z._default(z.boolean(), false),
  init_lora_weights: z._default(
    z.union(
      [z.boolean(), z.enum(initializations)],
      only(`true, false, ${initializations.join(', ')}: others change the base`),
    ),
    true,
  ),
}

const schema = z.looseObject(fields).check(({ value, issues }) => {
  const refuse = (name: string, message: string) => issues.push({ code: 'custom', input: value, path: [name], message })
  for (const [name, setting] of Object.entries(value)) {
    if (Object.hasOwn(fields, name) || harmless.has(name) || !isSet(setting)) continue
    refuse(
      name,
      `${shown(setting)} is ${unsupported.has(name) ? 'not supported' : 'a setting that Graft does not know'}`,
    )
  }
  const blocks = [value.layers_to_transform ?? []].flat()
  if (blocks.length > 0 && !Array.isArray(value.target_modules))
    refuse('layers_to_transform', 'is for target_modules that are a list')
  if (blocks.length === 0 && isSet(value.layers_pattern) && value.layers_pattern !== '')
    refuse('layers_pattern', 'is set, and layers_to_transform is not')
})

/** A checked configuration. Fields that Graft does not read are kept as they were. */
export type AdapterConfig = z.infer<typeof schema>

/**
 * Checks a parsed `adapter_config.json`.
 * @throws GraftError `adapter`, naming each field at fault
 */
export function parseAdapterConfig(json: unknown, file: string): AdapterConfig {
  const hint = 'Use a LoRA adapter, from `graft train` or from PEFT without the extensions that are named here.'
  return checkSchema(schema, json, { code: 'adapter', file, hint })
}

/** Settings that the answers of a trained adapter do not depend on. */
const indecisive = new Set(['base_model_name_or_path', 'init_lora_weights', 'lora_dropout', 'task_type'])

/** What of a configuration decides an adapter's answers. Keys of patterns keep their order: the first that matches counts. */
export const decisiveSettings = (config: AdapterConfig): Record<string, unknown> =>
  Object.fromEntries(
    Object.keys(fields).flatMap((name) => (indecisive.has(name) ? [] : [[name, config[name] ?? null]])),
  )

export interface AdapterSettings {
  rank: number
  alpha: number
  dropout: number
  scaling: LoraScalingOptions['mode']
  targetModules: TargetModules
  /** Name or path of the base, for the reader's information. */
  base: string
}

/**
 * The configuration of a new adapter. PEFT knows no unscaled α: `alpha` scaling is stored as `lora_alpha = α·r`, and
 * `all-linear` as the layers' last names, as PEFT itself does, so that PEFT computes the same.
 * @param layers those that have an adapter
 * @param model the base
 */
export function createAdapterConfig(
  settings: AdapterSettings,
  layers: readonly AdaptableLayer[],
  model: ModelConfig,
): AdapterConfig {
  const { rank, alpha, dropout, scaling, targetModules, base } = settings
  const lastNames = layers.map(({ name }) => name.slice(name.lastIndexOf('.') + 1))
  return {
    base_model_name_or_path: base,
    bias: 'none',
    fan_in_fan_out: layers.every(({ layout }) => layout === 'in-out'),
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: scaling === 'alpha' ? alpha * rank : alpha,
    lora_dropout: dropout,
    modules_to_save: [...familyOf(model).headModules],
    peft_type: 'LORA',
    r: rank,
    target_modules: isAllLinear(targetModules) ? [...new Set(lastNames)] : targetModules,
    task_type: 'SEQ_CLS',
    use_rslora: scaling === 'rslora',
  }
}

/**
 * The same for these layers by their whole names, each with its own rank and α: whatever patterns there were, nothing is left
 * to match.
 */
export function explicitConfig(config: AdapterConfig, layers: ReadonlyMap<string, LoraLayer>): AdapterConfig {
  const r = largestRank({ layers })
  const alphaOf = (layer: LoraLayer) => layer.scaling * rankOf(layer)
  const largest = [...layers.values()].find((layer) => rankOf(layer) === r)
  const lora_alpha = largest ? alphaOf(largest) : config.lora_alpha
  const pattern = (valueOf: (layer: LoraLayer) => number, usual: number) =>
    Object.fromEntries(
      [...layers].flatMap(([name, layer]) =>
        valueOf(layer) === usual ? [] : [[name.replaceAll('.', '\\.'), valueOf(layer)]],
      ),
    )
  return {
    ...config,
    r,
    lora_alpha,
    rank_pattern: pattern(rankOf, r),
    alpha_pattern: pattern(alphaOf, lora_alpha),
    use_rslora: false,
    target_modules: [...layers.keys()],
    exclude_modules: null,
    layers_to_transform: null,
    layers_pattern: null,
    auto_mapping: null, // may name the bare model's class
  }
}
