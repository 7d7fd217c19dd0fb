/** A model's tensors and layers by name, whichever family it is of. */
import { familyOf, headModules, modelOf } from './families.ts'
import type { AdaptableLayer, ModelConfig, ModelFamily, Parameter } from './family.ts'

/** The outermost module that a tensor is of. */
export const outermost = (name: string): string => name.split('.', 1)[0] ?? ''

/** A checkpoint of the bare model lacks the prefix that classes with a head write, such as GPT-2's `transformer.`. */
export function fullName(name: string, { prefix, outside, rename = (given) => given }: ModelFamily): string {
  const current = rename(name)
  return current.startsWith(prefix) || outside.includes(outermost(current)) ? current : `${prefix}${current}`
}

/** Whether a tensor is named as in the bare model. */
export const isBare = (name: string, { prefix, outside }: ModelFamily): boolean =>
  !name.startsWith(prefix) && !outside.includes(outermost(name))

/** The name that a layer has in the bare model, which PEFT's adapters for it use. */
export const bareName = (name: string, { prefix }: ModelFamily): string =>
  name.startsWith(prefix) ? name.slice(prefix.length) : name

/** Whether a tensor is of the classifier's head. */
export const isHead = (name: string): boolean => headModules.has(outermost(name))

const layerOf = (weight: string) => weight.replace(/\.weight$/, '')

function toLayer({ name, shape: [rows = 0, columns = 0], role, layout = 'in-out' }: Parameter): AdaptableLayer {
  const [input, out] = layout === 'in-out' ? [rows, columns] : [columns, rows]
  return { name: layerOf(name), kind: role === 'linear' ? 'linear' : 'embedding', in: input, out, layout }
}

/** All layers that an adapter can be for, in model order: the token embedding, and the linear layers. */
export const adaptableLayers = (config: ModelConfig): AdaptableLayer[] =>
  modelOf(config).parameters.flatMap((parameter) =>
    parameter.role === 'linear' || parameter.role === 'token-embedding' ? [toLayer(parameter)] : [],
  )

/** The linear layers, in model order: what `all-linear` stands for. */
export const linearLayers = (config: ModelConfig): AdaptableLayer[] =>
  adaptableLayers(config).filter(({ kind }) => kind === 'linear')

/** The linear layers of the head, in model order. */
export const headLayers = (config: ModelConfig): AdaptableLayer[] =>
  modelOf(config)
    .head(1)
    .flatMap((parameter) => (parameter.role === 'linear' ? [toLayer(parameter)] : []))

/** The token embedding's name. */
export function tokenEmbedding(config: ModelConfig): string {
  const found = modelOf(config).parameters.find(({ role }) => role === 'token-embedding')
  if (!found) throw new Error(`${config.model_type} has no token embedding`)
  return layerOf(found.name)
}

/** A part of a model that has a name, a layer or a group of them. */
export interface Module {
  name: string
  /** Whether it can have an adapter. */
  adaptable: boolean
}

/** What PEFT's settings may name: the layers, and the parts around them, such as `transformer.h.0.mlp` and `score`. */
export function modulesOf(config: ModelConfig): Module[] {
  const adaptable = new Set(adaptableLayers(config).map(({ name }) => name))
  const names = new Set(familyOf(config).outside)
  for (const parameter of parameterShapes(config, 1).keys()) {
    const parts = parameter.split('.')
    for (let length = 1; length < parts.length; length++) names.add(parts.slice(0, length).join('.'))
  }
  return [...names].map((name) => ({ name, adaptable: adaptable.has(name) }))
}

/**
 * The shape of every tensor of a checkpoint.
 * @param labels of a classifier, whose head is among them; without, there is none
 */
export function parameterShapes(config: ModelConfig, labels?: number): Map<string, number[]> {
  const { parameters, head } = modelOf(config)
  const all = labels === undefined ? parameters : [...parameters, ...head(labels)]
  return new Map(all.map(({ name, shape }) => [name, shape]))
}

/**
 * How many labels a head is for; undefined without its last layer.
 * @param tensors of a model, or of an adapter
 */
export function labelCount(tensors: ReadonlyMap<string, { shape: number[] }>, config: ModelConfig): number | undefined {
  const last = modelOf(config)
    .head(1)
    .find(({ perLabel, role }) => perLabel && role === 'linear')
  return tensors.get(last?.name ?? '')?.shape[0]
}
