/** A LoRA adapter: read from and written to the files of an adapter folder, which are PEFT's plus `graft.json`. */
import { baseConfigOf, differingField } from './adapter/base-config.ts'
import { type AdapterConfig, parseAdapterConfig } from './adapter/config.ts'
import { type AdapterInfo, parseAdapterInfo } from './adapter/info.ts'
import { adaptedLayers } from './adapter/layers.ts'
import { parseWeights, serializeWeights } from './adapter/weights.ts'
import type { GPT2Config } from './config.ts'
import { GraftError } from './errors.ts'
import { adaptableLayers, parameterShapes } from './layers.ts'
import type { LoraLayer } from './lora.ts'
import type { TensorData, TensorMap } from './tensors.ts'

export { type AdapterConfig, type AdapterSettings, createAdapterConfig } from './adapter/config.ts'
export type { AdapterInfo } from './adapter/info.ts'
export { layerScaling } from './adapter/layers.ts'

/** What PEFT's own files hold. */
export interface PeftAdapter {
  /** `adapter_config.json` */
  config: AdapterConfig
  /** The trained pairs by layer, such as `transformer.h.0.attn.c_attn`. */
  layers: Map<string, LoraLayer>
  /** The classifier's weight, `[labels, n_embd]`; adapters for other tasks have none. */
  score?: TensorData | undefined
  /** Tensors that were trained whole (`modules_to_save`), by their names in the base, and a head's `score.bias`. */
  saved: TensorMap
}

export interface Adapter extends PeftAdapter {
  /** `graft.json` */
  info: AdapterInfo
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
 * Reads the two files that PEFT writes.
 * @param files the JSON parsed, unchecked
 * @param folder named in errors
 * @throws GraftError `adapter`, or `safetensors`, naming the file and what is wrong in it
 */
export function parsePeftAdapter(files: Omit<AdapterFiles, 'graft.json'>, folder: string): PeftAdapter {
  const config = parseAdapterConfig(files['adapter_config.json'], `${folder}/adapter_config.json`)
  const weights = parseWeights(files['adapter_model.safetensors'], config, `${folder}/adapter_model.safetensors`)
  return { config, ...weights }
}

/**
 * Reads an adapter.
 * @param files the JSON files parsed, unchecked
 * @param folder named in errors
 * @throws GraftError `adapter`, or `safetensors`, naming the file and what is wrong in it
 */
export function parseAdapter(files: AdapterFiles, folder: string): Adapter {
  const adapter = parsePeftAdapter(files, folder)
  return completeAdapter(adapter, parseAdapterInfo(files['graft.json'], `${folder}/graft.json`), folder)
}

/**
 * An adapter for classification, of PEFT's part and what Graft adds.
 * @throws GraftError `adapter` where it has no head, or one for another number of labels
 */
export function completeAdapter({ score, ...adapter }: PeftAdapter, info: AdapterInfo, folder: string): Adapter {
  const file = `${folder}/adapter_model.safetensors`
  if (!score) {
    throw new GraftError('adapter', `${file} has no classification head: base_model.model.score.weight is missing`, {
      hint: 'Take the head of a base that is a classifier: `graft import ADAPTER --base BASE --out DIR`.',
      file,
    })
  }
  if (score.shape[0] !== info.labels.length) {
    throw damaged(`${file}: score.weight has ${score.shape[0]} rows for ${info.labels.length} labels`, file)
  }
  return { ...adapter, score, info }
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

/** The adapter has exactly the layers that its target modules name in this base. */
function checkTargets({ config, layers }: PeftAdapter, names: string[], file: string): void {
  const targets = adaptedLayers(config, names)
  const missing = targets.find((name) => !layers.has(name))
  if (missing !== undefined) throw damaged(`${file} has no weights for ${missing}, one of its target modules`, file)
  const extra = [...layers.keys()].find((name) => !targets.includes(name))
  if (extra !== undefined)
    throw damaged(`${file} has weights for ${extra}, which is none of its target modules in this base`, file)
}

/** What is trained whole has the base's shapes. */
function checkSaved({ saved, score }: PeftAdapter, config: GPT2Config, file: string): void {
  const labels = score?.shape[0]
  const shapes = parameterShapes(config, labels)
  if (labels !== undefined) shapes.set('score.bias', [labels])
  for (const [name, { shape }] of saved) {
    const expected = shapes.get(name)
    if (String(expected) === String(shape)) continue
    const inBase = expected ? `and [${expected.join(', ')}] in the base` : 'and no tensor of the base'
    throw damaged(`${file}: ${name} is [${shape.join(', ')}], ${inBase}`, file)
  }
}

/**
 * Checks that layers and shapes of an adapter fit a base.
 * @param file the adapter, named in errors
 * @throws GraftError `adapter`
 */
export function checkFit(adapter: PeftAdapter, baseConfig: GPT2Config, file: string): void {
  const adaptable = adaptableLayers(baseConfig)
  checkTargets(
    adapter,
    adaptable.map(({ name }) => name),
    file,
  )
  for (const { name, in: inSize, out } of adaptable) {
    const layer = adapter.layers.get(name)
    if (!layer || (layer.a.shape[0] === inSize && layer.b.shape[1] === out)) continue
    throw damaged(
      `${file}: ${name} is ${layer.a.shape[0]} × ${layer.b.shape[1]}, and ${inSize} × ${out} in the base`,
      file,
    )
  }
  checkSaved(adapter, baseConfig, file)
  const width = adapter.score?.shape[1] ?? baseConfig.n_embd
  if (width === baseConfig.n_embd) return
  throw damaged(`${file}: score.weight is ${width} wide, and the base ${baseConfig.n_embd}`, file)
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
  checkBaseConfig(adapter, baseConfig, file)
  checkFit(adapter, baseConfig, file)
}

/** The same weights are another model where they are computed with otherwise. */
function checkBaseConfig({ info }: Adapter, baseConfig: GPT2Config, file: string): void {
  const found = baseConfigOf(baseConfig)
  const name = differingField(info.baseConfig ?? {}, found)
  if (name === undefined) return
  throw new GraftError(
    'adapter-base',
    `${file} was trained on a base with ${name} ${info.baseConfig?.[name]}, not ${found[name]}`,
    { hint: 'Give the base that it was trained on, with the config.json that it had then.', file, value: found[name] },
  )
}
