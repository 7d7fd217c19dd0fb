/** `adapter_config.json`, as PEFT writes and reads it (https://huggingface.co/docs/peft/package_reference/lora). */
import * as z from 'zod/mini'
import { type LoraScalingOptions, matchTargetModules, type TargetModules } from '../lora.ts'
import { checkSchema } from '../schema.ts'

/** PEFT's settings that change the arithmetic or the tensors, and that Graft does not have. */
const unsupported = [
  'alora_invocation_tokens',
  'arrow_config',
  'kasa_config',
  'layer_replication',
  'lora_bias',
  'megatron_config',
  'monteclora_config',
  'target_parameters',
  'trainable_token_indices',
  'use_bdlora',
  'use_dora',
  'use_qalora',
  'velora_config',
]

/** Initializations that leave the base's weights alone; the others (PiSSA, OLoRA, …) train on a changed base. */
const initialization = z.union([z.boolean(), z.enum(['gaussian', 'eva', 'orthogonal'])])

const only = (value: string) => ({
  error: ({ input }: { input?: unknown }) => `${JSON.stringify(input)} is not supported, only ${value}`,
})

/** Tasks whose adapters are of GPT-2's blocks; which of them have a classification head is another question. */
const tasks = ['SEQ_CLS', 'CAUSAL_LM', 'FEATURE_EXTRACTION'] as const

const names = z.union([z.string(), z.array(z.string())])
const block = z.int().check(z.nonnegative())

/** Whether a setting is switched on: not null, false, `{}` or `[]`. */
const isSet = (value: unknown) =>
  value instanceof Object ? Object.keys(value).length > 0 : value !== undefined && value !== null && value !== false

const schema = z
  .looseObject({
    peft_type: z.literal('LORA', only('LORA')),
    task_type: z.nullish(z.enum(tasks, only(tasks.join(', ')))),
    base_model_name_or_path: z.nullish(z.string()),
    r: z.int().check(z.positive()),
    lora_alpha: z.number().check(z.positive()),
    lora_dropout: z._default(z.number().check(z.minimum(0), z.maximum(1)), 0),
    target_modules: names,
    exclude_modules: z.nullish(names),
    rank_pattern: z.nullish(z.record(z.string(), z.int().check(z.positive()))),
    alpha_pattern: z.nullish(z.record(z.string(), z.number().check(z.positive()))),
    layers_to_transform: z.nullish(z.union([block, z.array(block)])),
    layers_pattern: z.nullish(names),
    modules_to_save: z.nullish(z.array(z.string())),
    bias: z._default(z.literal('none', only('none')), 'none'),
    use_rslora: z._default(z.boolean(), false),
    init_lora_weights: z._default(initialization, true),
  })
  .check(({ value, issues }) => {
    for (const name of unsupported.filter((name) => isSet(value[name]))) {
      issues.push({
        code: 'custom',
        input: value,
        path: [name],
        message: `${JSON.stringify(value[name])} is not supported`,
      })
    }
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
 * @param layerNames the base's linear layers
 * @throws GraftError `usage` where `targetModules` matches none of them
 */
export function createAdapterConfig(settings: AdapterSettings, layerNames: readonly string[]): AdapterConfig {
  const { rank, alpha, dropout, scaling, targetModules, base } = settings
  const lastNames = matchTargetModules(layerNames, targetModules).map((name) => name.slice(name.lastIndexOf('.') + 1))
  return {
    base_model_name_or_path: base,
    bias: 'none',
    fan_in_fan_out: true,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: scaling === 'alpha' ? alpha * rank : alpha,
    lora_dropout: dropout,
    modules_to_save: ['score'],
    peft_type: 'LORA',
    r: rank,
    target_modules: targetModules === 'all-linear' ? [...new Set(lastNames)] : targetModules,
    task_type: 'SEQ_CLS',
    use_rslora: scaling === 'rslora',
  }
}
