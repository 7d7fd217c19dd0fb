/** The families that there are, by the `model_type` of a configuration. */
import * as z from 'zod/mini'
import { GraftError } from './errors.ts'
import type { ModelConfig, ModelDescription, ModelFamily } from './family.ts'
import { bert } from './families/bert.ts'
import { distilbert } from './families/distilbert.ts'
import { gpt2 } from './families/gpt2.ts'
import { llama } from './families/llama.ts'
import { mistral } from './families/mistral.ts'
import { qwen2 } from './families/qwen2.ts'
import { qwen3 } from './families/qwen3.ts'
import { roberta, xlmRoberta } from './families/roberta.ts'
import { isProblemType, problemTypes } from './task.ts'

const families: readonly ModelFamily[] = [gpt2, bert, distilbert, roberta, xlmRoberta, llama, mistral, qwen2, qwen3]

/** The model types that are supported. */
export const modelTypes: readonly string[] = families.map(({ modelType }) => modelType)

const typed = z.looseObject({ model_type: z.string() })

/** Weights that are no plain numbers are another matter, whichever family they are of. */
const quantized = z.looseObject({ quantization_config: z.looseObject({ quant_method: z.optional(z.string()) }) })

function checkCommon(json: unknown, file: string): void {
  const { data } = quantized.safeParse(json)
  if (!data) return
  const method = data.quantization_config.quant_method
  throw new GraftError('config', `${file}: quantization_config (${method ?? 'of no name'}) is not supported`, {
    hint: 'Use the model as it was before it was quantized.',
    file,
    value: method,
  })
}

/**
 * Checks a parsed `config.json` by its family.
 * @param file named in errors
 * @throws GraftError `config`, naming each field at fault, or the model type that is not supported
 */
export function parseConfig(json: unknown, file = 'config.json'): ModelConfig {
  const type = typed.safeParse(json).data?.model_type
  const family = families.find(({ modelType }) => modelType === type)
  if (!family) {
    const found = type === undefined ? 'no model_type' : `the model_type ${JSON.stringify(type)}`
    throw new GraftError('config', `${file} has ${found}; supported are ${modelTypes.join(', ')}`, {
      hint: 'Use a model of one of these families, or make a base with `graft init`.',
      file,
      value: type,
    })
  }
  checkCommon(json, file)
  const config = family.parse(json, file)
  if (config.problem_type && !isProblemType(config.problem_type)) {
    throw new GraftError('config', `${file}: problem_type ${JSON.stringify(config.problem_type)} is not supported`, {
      hint: `Supported are ${problemTypes.join(', ')}.`,
      file,
      value: config.problem_type,
    })
  }
  return config
}

/**
 * The family of a name that a user gave.
 * @throws GraftError `usage`
 */
export function familyNamed(type: string): ModelFamily {
  const family = families.find(({ modelType }) => modelType === type)
  if (family) return family
  throw new GraftError('usage', `there is no family ${JSON.stringify(type)}; there are ${modelTypes.join(', ')}`, {
    hint: 'Choose one of these.',
    value: type,
  })
}

/** The family of a configuration that was checked. */
export function familyOf({ model_type: type }: ModelConfig): ModelFamily {
  const family = families.find(({ modelType }) => modelType === type)
  if (!family) throw new Error(`"${type}" was not checked`)
  return family
}

/** Made once for each configuration: a large model has hundreds of parameters. */
const described = new WeakMap<ModelConfig, ModelDescription>()

/** What a checked configuration describes. */
export function modelOf(config: ModelConfig): ModelDescription {
  const model = described.get(config) ?? familyOf(config).describe(config)
  described.set(config, model)
  return model
}

/** "4 layers, 256 wide, 8 heads" */
export function sizeWords(config: ModelConfig): string {
  const { layers, width, heads } = modelOf(config).sizes
  return `${layers} layers, ${width} wide, ${heads} heads`
}

/** Modules of the heads of all families: what an adapter's tensors are named by, whichever its base's is. */
export const headModules: ReadonlySet<string> = new Set(families.flatMap((family) => family.headModules))
