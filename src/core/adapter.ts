/** A LoRA adapter: read from and written to the files of an adapter folder, which are PEFT's plus `graft.json`. */
import { type AdapterConfig, parseAdapterConfig } from './adapter/config.ts'
import { type AdapterInfo, parseAdapterInfo } from './adapter/info.ts'
import { parseWeights, serializeWeights } from './adapter/weights.ts'
import type { GPT2Config } from './config.ts'
import { GraftError } from './errors.ts'
import { linearLayers } from './layers.ts'
import { type LoraLayer, targetMatcher } from './lora.ts'
import type { TensorData } from './tensors.ts'

export { type AdapterConfig, type AdapterSettings, createAdapterConfig } from './adapter/config.ts'
export type { AdapterInfo } from './adapter/info.ts'

export interface Adapter {
  /** `adapter_config.json` */
  config: AdapterConfig
  /** `graft.json` */
  info: AdapterInfo
  /** The trained pairs by layer, such as `transformer.h.0.attn.c_attn`. */
  layers: Map<string, LoraLayer>
  /** The classifier's weight, `[labels, n_embd]`. */
  score: TensorData
}

/** The files of an adapter folder, by name. */
export interface AdapterFiles<Json = unknown> {
  'adapter_config.json': Json
  'adapter_model.safetensors': Uint8Array
  'graft.json': Json
}

const damaged = (message: string, file: string) =>
  new GraftError('adapter', message, { hint: 'Make the adapter again with `graft train`.', file })

/**
 * Reads an adapter.
 * @param files the JSON files parsed, unchecked
 * @param folder named in errors
 * @throws GraftError `adapter`, or `safetensors`, naming the file and what is wrong in it
 */
export function parseAdapter(files: AdapterFiles, folder: string): Adapter {
  const config = parseAdapterConfig(files['adapter_config.json'], `${folder}/adapter_config.json`)
  const info = parseAdapterInfo(files['graft.json'], `${folder}/graft.json`)
  const file = `${folder}/adapter_model.safetensors`
  const { layers, score } = parseWeights(files['adapter_model.safetensors'], config.r, file)
  if (score.shape[0] !== info.labels.length) {
    throw damaged(`${file}: score.weight has ${score.shape[0]} rows for ${info.labels.length} labels`, file)
  }
  return { config, info, layers, score }
}

const toJson = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`

/** The content of an adapter folder. */
export const serializeAdapter = (adapter: Adapter): AdapterFiles<string> => ({
  'adapter_config.json': toJson(adapter.config),
  'adapter_model.safetensors': serializeWeights(adapter),
  'graft.json': toJson(adapter.info),
})

/** The adapter has exactly the layers that its target modules name in this base. */
function checkTargets({ config, layers }: Adapter, names: string[], file: string): void {
  const targets = names.filter(targetMatcher(config.target_modules))
  const missing = targets.find((name) => !layers.has(name))
  if (missing !== undefined) throw damaged(`${file} has no weights for ${missing}, one of its target modules`, file)
  const extra = [...layers.keys()].find((name) => !targets.includes(name))
  if (extra !== undefined)
    throw damaged(`${file} has weights for ${extra}, which is none of its target modules in this base`, file)
}

/**
 * Checks that an adapter belongs to a base and fits it.
 * @param baseSha256 of the base's `model.safetensors`
 * @param file the adapter, named in errors
 * @throws GraftError `adapter-base` for another base, `adapter` where layers or shapes do not fit this one
 */
export function checkAdapter(adapter: Adapter, baseConfig: GPT2Config, baseSha256: string, file: string): void {
  const expected = adapter.info.baseSha256
  if (expected !== baseSha256) {
    throw new GraftError(
      'adapter-base',
      `${file} was trained on another base: SHA-256 ${expected}, not ${baseSha256}`,
      {
        hint: `Give the base that it was trained on (${adapter.config.base_model_name_or_path ?? 'name unknown'}).`,
        file,
        value: expected,
      },
    )
  }
  const linear = linearLayers(baseConfig)
  checkTargets(
    adapter,
    linear.map(({ name }) => name),
    file,
  )
  for (const { name, in: inSize, out } of linear) {
    const layer = adapter.layers.get(name)
    if (!layer || (layer.a.shape[0] === inSize && layer.b.shape[1] === out)) continue
    throw damaged(
      `${file}: ${name} is ${layer.a.shape[0]} × ${layer.b.shape[1]}, and ${inSize} × ${out} in the base`,
      file,
    )
  }
  const width = adapter.score.shape[1]
  if (width === baseConfig.n_embd) return
  throw damaged(`${file}: score.weight is ${width} wide, and the base ${baseConfig.n_embd}`, file)
}
