/** A LoRA adapter: read from and written to the files of an adapter folder, which are PEFT's plus `graft.json`. */
import { baseConfigOf, differingField } from './adapter/base-config.ts'
import { type AdapterConfig, explicitConfig, parseAdapterConfig } from './adapter/config.ts'
import { type AdapterInfo, parseAdapterInfo } from './adapter/info.ts'
import { createLayerRules } from './adapter/layers.ts'
import { readTensors, serializeWeights, toWeights } from './adapter/weights.ts'
import type { GPT2Config } from './config.ts'
import { GraftError } from './errors.ts'
import { adaptableLayers, modulesOf, parameterShapes } from './layers.ts'
import { type LoraLayer, layerEndings } from './lora.ts'
import type { TensorData, TensorMap } from './tensors.ts'

export { type AdapterConfig, type AdapterSettings, createAdapterConfig } from './adapter/config.ts'
export type { AdapterInfo } from './adapter/info.ts'

/** What PEFT's own files hold. */
export interface PeftAdapter {
  /** `adapter_config.json` */
  config: AdapterConfig
  /** Whether the configuration is for names without `transformer.` in front, those of the bare model. */
  bare?: boolean | undefined
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
  new GraftError('adapter', message, {
    hint: 'Check that the base is the one that it was trained on and that its files belong together, or make it again with `graft train`.',
    file,
  })

/**
 * Reads the two files that PEFT writes.
 * @param files the JSON parsed, unchecked
 * @param folder named in errors
 * @throws GraftError `adapter`, or `safetensors`, naming the file and what is wrong in it
 */
export async function parsePeftAdapter(files: Omit<AdapterFiles, 'graft.json'>, folder: string): Promise<PeftAdapter> {
  const [configFile, file] = [`${folder}/adapter_config.json`, `${folder}/adapter_model.safetensors`]
  const config = parseAdapterConfig(files['adapter_config.json'], configFile)
  const { tensors, bare } = readTensors(files['adapter_model.safetensors'], file)
  const rules = await createLayerRules(config, { bare, file: configFile })
  return { config, ...(bare && { bare }), ...toWeights(tensors, { config, rules, file }) }
}

/**
 * Reads an adapter.
 * @param files the JSON files parsed, unchecked
 * @param folder named in errors
 * @throws GraftError `adapter`, or `safetensors`, naming the file and what is wrong in it
 */
export async function parseAdapter(files: AdapterFiles, folder: string): Promise<Adapter> {
  const adapter = await parsePeftAdapter(files, folder)
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

/** The two files that PEFT reads. Layers have their full names in both. */
export const serializePeftAdapter = (adapter: PeftAdapter): Omit<AdapterFiles<string>, 'graft.json'> => ({
  'adapter_config.json': toJson(adapter.bare ? explicitConfig(adapter.config, adapter.layers) : adapter.config),
  'adapter_model.safetensors': serializeWeights(adapter),
})

/** The content of an adapter folder. */
export const serializeAdapter = (adapter: Adapter): AdapterFiles<string> => ({
  ...serializePeftAdapter(adapter),
  'graft.json': toJson(adapter.info),
})

/** The adapter has exactly the layers that its configuration names in this base, and that names nothing else. */
async function checkTargets({ config, bare, layers }: PeftAdapter, base: GPT2Config, file: string): Promise<void> {
  const names = adaptableLayers(base).map(({ name }) => name)
  const rules = await createLayerRules(config, { bare, file })
  const targets = rules.adapted(names)
  const foreign = [...layers.keys()].find((name) => !names.includes(name))
  if (foreign !== undefined)
    throw damaged(`${file} has weights for ${foreign}, and the base has no such layer that takes an adapter`, file)
  const missing = targets.find((name) => !layers.has(name))
  if (missing !== undefined) throw damaged(`${file} has no weights for ${missing}, one of its target modules`, file)
  const extra = [...layers.keys()].find((name) => !targets.includes(name))
  if (extra !== undefined)
    throw damaged(`${file} has weights for ${extra}, which is none of its target modules in this base`, file)
  const [idle] = rules.idle(modulesOf(base))
  if (idle === undefined) return
  throw new GraftError('adapter', `${file}: ${idle} in adapter_config.json matches nothing in the base`, {
    hint:
      `Correct it, or take it out if it is for another model. The layers are ${layerEndings(names).join(', ')}, ` +
      `in blocks 0 to ${base.n_layer - 1}.`,
    file,
    value: idle,
  })
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
export async function checkFit(adapter: PeftAdapter, baseConfig: GPT2Config, file: string): Promise<void> {
  await checkTargets(adapter, baseConfig, file)
  for (const { name, in: inSize, out } of adaptableLayers(baseConfig)) {
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
export async function checkAdapter(
  adapter: Adapter,
  baseConfig: GPT2Config,
  baseSha256: string,
  file: string,
): Promise<void> {
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
  await checkFit(adapter, baseConfig, file)
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
