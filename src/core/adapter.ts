/** A LoRA adapter: read from and written to the files of an adapter folder, which are PEFT's plus `graft.json`. */
import { type AdapterConfig, parseAdapterConfig } from './adapter/config.ts'
import { type AdapterInfo, parseAdapterInfo } from './adapter/info.ts'
import { createLayerRules } from './adapter/layers.ts'
import { readTensors, serializeWeights, toWeights } from './adapter/weights.ts'
import type { LoraLayer } from './lora.ts'
import type { TensorMap } from './tensors.ts'

export { type AdapterConfig, type AdapterSettings, createAdapterConfig } from './adapter/config.ts'
export type { AdapterInfo } from './adapter/info.ts'

/** What PEFT's own files hold. Names are those of the model that PEFT saw, until `fitAdapter` gives them those of a base. */
export interface PeftAdapter {
  /** `adapter_config.json` */
  config: AdapterConfig
  /** The trained pairs by layer, such as `transformer.h.0.attn.c_attn`. */
  layers: Map<string, LoraLayer>
  /** The classifier's head by tensor, such as `score.weight`; adapters for other tasks have none. */
  head: TensorMap
  /** Other tensors that were trained whole (`modules_to_save`). */
  saved: TensorMap
}

export interface Adapter extends PeftAdapter {
  /** `graft.json` */
  info: AdapterInfo
}

/** The files of an adapter folder, by name. */
export interface AdapterFiles<Json = unknown> {
  'adapter_config.json': Json
  'adapter_model.safetensors': Uint8Array
  'graft.json': Json
}

/**
 * Reads the two files that PEFT writes.
 * @param files the JSON parsed, unchecked
 * @param folder named in errors
 * @throws GraftError `adapter`, or `safetensors`, naming the file and what is wrong in it
 */
export async function parsePeftAdapter(files: Omit<AdapterFiles, 'graft.json'>, folder: string): Promise<PeftAdapter> {
  const [configFile, file] = [`${folder}/adapter_config.json`, `${folder}/adapter_model.safetensors`]
  const config = parseAdapterConfig(files['adapter_config.json'], configFile)
  const tensors = readTensors(files['adapter_model.safetensors'], file)
  const rules = await createLayerRules(config, configFile)
  return { config, ...toWeights(tensors, { config, rules, file }) }
}

/**
 * Reads an adapter. `fitAdapter` makes it one of a base.
 * @param files the JSON files parsed, unchecked
 * @param folder named in errors
 * @throws GraftError `adapter`, or `safetensors`, naming the file and what is wrong in it
 */
export async function parseAdapter(files: AdapterFiles, folder: string): Promise<Adapter> {
  const adapter = await parsePeftAdapter(files, folder)
  return { ...adapter, info: parseAdapterInfo(files['graft.json'], `${folder}/graft.json`) }
}

const toJson = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`

/** The two files that PEFT reads. */
export const serializePeftAdapter = (adapter: PeftAdapter): Omit<AdapterFiles<string>, 'graft.json'> => ({
  'adapter_config.json': toJson(adapter.config),
  'adapter_model.safetensors': serializeWeights(adapter),
})

/** The content of an adapter folder. */
export const serializeAdapter = (adapter: Adapter): AdapterFiles<string> => ({
  ...serializePeftAdapter(adapter),
  'graft.json': toJson(adapter.info),
})
