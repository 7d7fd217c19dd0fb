/** Whether an adapter belongs to a base and fits it; what fits gets the names that the base's tensors have. */
import type { Adapter, PeftAdapter } from '../adapter.ts'
import { GraftError } from '../errors.ts'
import { familyOf, modelOf } from '../families.ts'
import type { AdaptableLayer, ModelConfig, ModelFamily } from '../family.ts'
import {
  type Module,
  adaptableLayers,
  bareName,
  fullName,
  headLayers,
  isBare,
  labelCount,
  modulesOf,
  parameterShapes,
} from '../layers.ts'
import { layerEndings } from '../lora.ts'
import type { TensorMap } from '../tensors.ts'
import { baseConfigOf, differingField } from './base-config.ts'
import { explicitConfig } from './config.ts'
import { type LayerRules, createLayerRules } from './layers.ts'
import { adapterShape, adapterTensors } from './tensors.ts'
import { PEFT_PREFIX } from './weights.ts'

const damaged = (message: string, file: string) =>
  new GraftError('adapter', message, {
    hint: 'Check that the base is the one that it was trained on and that its files belong together, or make it again with `graft train`.',
    file,
  })

/**
 * Checks that layers and shapes of an adapter fit a base.
 * @param file the adapter, named in errors
 * @returns the adapter by the base's names: one for the bare model, whose names lack a prefix, gets it
 * @throws GraftError `adapter`
 */
export async function fitAdapter<Given extends PeftAdapter>(
  adapter: Given,
  base: ModelConfig,
  file: string,
): Promise<Given> {
  const family = familyOf(base)
  const bare = isForBareModel(adapter, family, file)
  const seen = <T extends { name: string }>(part: T): T =>
    bare ? { ...part, name: bareName(part.name, family) } : part
  const layers = adaptableLayers(base).map(seen)
  const rules = await createLayerRules(adapter.config, file)
  checkTargets(adapter, layers, rules.adapted(layers), file)
  checkIdle(rules, modulesOf(base).map(seen), { layers, blocks: modelOf(base).sizes.layers, file })
  checkPairs(adapter, layers, file)
  const fitted = bare ? withFullNames(adapter, family) : adapter
  checkSaved(fitted, base, file)
  checkHead(fitted, base, file)
  return fitted
}

/** What tells a base from others. */
export interface BaseIdentity {
  config: ModelConfig
  /** SHA-256 of its `model.safetensors`. */
  sha256: string
  /** As `tokenizerIdentity` has it. */
  tokenizer: string
}

/**
 * Checks that an adapter for classification belongs to a base and fits it.
 * @param file the adapter, named in errors
 * @returns as `fitAdapter`
 * @throws GraftError `adapter-base` for another base, `adapter` where layers or shapes do not fit this one
 */
export async function checkAdapter(adapter: Adapter, base: BaseIdentity, file: string): Promise<Adapter> {
  checkBase(adapter, base, file)
  const { config } = base
  const fitted = await fitAdapter(adapter, config, file)
  const labels = labelCount(fitted.head, config)
  if (labels === adapter.info.labels.length) return fitted
  if (labels === undefined) {
    throw new GraftError('adapter', `${file} has no classification head: ${headNames(config).join(', ')} is missing`, {
      hint: 'Take the head of a base that is a classifier: `graft import ADAPTER --base BASE --out DIR`.',
      file,
    })
  }
  throw damaged(`${file}: its head has ${labels} rows for ${adapter.info.labels.length} labels`, file)
}

const headNames = (base: ModelConfig) =>
  modelOf(base)
    .head(1)
    .map(({ name }) => `${PEFT_PREFIX}${name}`)

function checkBase({ info, config }: Adapter, base: BaseIdentity, file: string): void {
  const otherBase = (message: string, hint: string, value: unknown) =>
    new GraftError('adapter-base', `${file} was trained on ${message}`, { hint, file, value })
  if (info.baseSha256 !== base.sha256) {
    const hint = `Give the base that it was trained on (${config.base_model_name_or_path ?? 'name unknown'}).`
    throw otherBase(`another base: SHA-256 ${info.baseSha256}, not ${base.sha256}`, hint, info.baseSha256)
  }
  // The same weights are another model where they are computed with otherwise.
  const found = baseConfigOf(base.config, base.tokenizer)
  const name = differingField(info.baseConfig ?? {}, found)
  if (name === undefined) return
  const hint = 'Give the base that it was trained on, with the config.json that it had then.'
  throw otherBase(`a base with ${name} ${info.baseConfig?.[name]}, not ${found[name]}`, hint, found[name])
}

/** Whether PEFT saw the bare model: its names lack the prefix, all of them. */
function isForBareModel({ layers, saved }: PeftAdapter, family: ModelFamily, file: string): boolean {
  const names = [...layers.keys(), ...saved.keys()]
  const bare = names.filter((name) => isBare(name, family))
  const whole = names.some((name) => name.startsWith(family.prefix))
  if (bare[0] !== undefined && whole)
    throw damaged(`${file}: ${bare[0]} has no ${family.prefix} in front, and others have`, file)
  return bare.length > 0
}

function withFullNames<Given extends PeftAdapter>(adapter: Given, family: ModelFamily): Given {
  const rename = <T>(map: Map<string, T>) =>
    new Map([...map].map(([name, value]): [string, T] => [fullName(name, family), value]))
  const layers = rename(adapter.layers)
  // Whatever the patterns were, they are for other names.
  return { ...adapter, config: explicitConfig(adapter.config, layers), layers, saved: rename(adapter.saved) }
}

/** The adapter has exactly the layers that its configuration names in this base. */
function checkTargets({ layers }: PeftAdapter, all: readonly AdaptableLayer[], targets: string[], file: string): void {
  const adapted = [...layers.keys()]
  const foreign = adapted.find((name) => !all.some((layer) => layer.name === name))
  if (foreign !== undefined)
    throw damaged(`${file} has weights for ${foreign}, and the base has no such layer that takes an adapter`, file)
  const missing = targets.find((name) => !layers.has(name))
  if (missing !== undefined) throw damaged(`${file} has no weights for ${missing}, one of its target modules`, file)
  const extra = adapted.find((name) => !targets.includes(name))
  if (extra !== undefined)
    throw damaged(`${file} has weights for ${extra}, which is none of its target modules in this base`, file)
}

/** Its configuration names nothing that is not in the base. */
function checkIdle(
  rules: LayerRules,
  modules: Module[],
  { layers, blocks, file }: { layers: AdaptableLayer[]; blocks: number; file: string },
): void {
  const [idle] = rules.idle(modules)
  if (idle === undefined) return
  throw new GraftError('adapter', `${file}: ${idle} in adapter_config.json matches nothing in the base`, {
    hint:
      `Correct it, or take it out if it is for another model. The layers are ${layerEndings(layers).join(', ')}, ` +
      `in blocks 0 to ${blocks - 1}.`,
    file,
    value: idle,
  })
}

function checkPairs({ layers }: PeftAdapter, all: readonly AdaptableLayer[], file: string): void {
  for (const layer of all) {
    const pair = layers.get(layer.name)
    if (!pair) continue
    const [a] = adapterTensors({ ...layer, kind: pair.embedding ? 'embedding' : 'linear' })
    if ((layer.kind === 'embedding') !== (pair.embedding ?? false))
      throw damaged(`${file}: ${PEFT_PREFIX}${a.peftName} is for a layer of another kind than ${layer.name}`, file)
    const fits = (['a', 'b'] as const).every(
      (part) => String(pair[part].shape) === String(adapterShape(part, layer, pair.a.shape[1] ?? 0)),
    )
    if (fits) continue
    const found = `${pair.a.shape[0]} × ${pair.b.shape[1]}`
    throw damaged(`${file}: ${layer.name} is ${found}, and ${layer.in} × ${layer.out} in the base`, file)
  }
}

/** What is trained whole has the base's shapes. */
function checkSaved({ saved }: PeftAdapter, config: ModelConfig, file: string): void {
  checkTensors(saved, parameterShapes(config), 'the base', file)
}

/** A head is whole; its last layer may have a bias where the family's has none. */
function checkHead({ head }: PeftAdapter, config: ModelConfig, file: string): void {
  if (head.size === 0) return
  const labels = labelCount(head, config)
  const expected = new Map(
    modelOf(config)
      .head(labels ?? 0)
      .map(({ name, shape }) => [name, shape]),
  )
  const missing = [...expected.keys()].find((name) => !head.has(name))
  if (missing !== undefined) throw damaged(`${file} has no ${PEFT_PREFIX}${missing}, a part of its head`, file)
  const last = headLayers(config).at(-1)
  if (last && labels !== undefined) expected.set(`${last.name}.bias`, [labels])
  checkTensors(head, expected, 'a head of the base', file)
}

function checkTensors(
  tensors: TensorMap,
  shapes: ReadonlyMap<string, readonly number[]>,
  owner: string,
  file: string,
): void {
  for (const [name, { shape }] of tensors) {
    const expected = shapes.get(name)
    if (String(expected) === String(shape)) continue
    const there = expected ? `and [${expected.join(', ')}] in ${owner}` : `and no tensor of ${owner}`
    throw damaged(`${file}: ${name} is [${shape.join(', ')}], ${there}`, file)
  }
}
