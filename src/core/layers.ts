/** The tensors of a GPT-2 checkpoint by name and shape, as Hugging Face names them. */
import { innerSize, type GPT2Config } from './config.ts'

/** Files of GPT-2's bare model lack the `transformer.` that the classes with a head write. */
export const fullName = (name: string): string =>
  /^(transformer|score|lm_head)\./.test(name) ? name : `transformer.${name}`

/** The name that a layer has in GPT-2's bare model, which PEFT's adapters for it use. */
export const bareName = (name: string): string => name.replace(/^transformer\./, '')

export interface LinearLayer {
  /** `transformer.h.0.attn.c_attn`; its weight is `<name>.weight`, `[in, out]`. */
  name: string
  in: number
  out: number
}

/** The linear layers of the blocks, in model order: what `all-linear` stands for. */
export function linearLayers(config: GPT2Config): LinearLayer[] {
  const width = config.n_embd
  const inner = innerSize(config)
  return Array.from({ length: config.n_layer }, (_, block) => [
    { name: `transformer.h.${block}.attn.c_attn`, in: width, out: 3 * width },
    { name: `transformer.h.${block}.attn.c_proj`, in: width, out: width },
    { name: `transformer.h.${block}.mlp.c_fc`, in: width, out: inner },
    { name: `transformer.h.${block}.mlp.c_proj`, in: inner, out: width },
  ]).flat()
}

/** The token embedding's name. */
export const TOKEN_EMBEDDING = 'transformer.wte'

/**
 * All layers that LoRA can target, in model order: the token embedding, which is a linear layer of one-hot rows, its weight
 * [vocab_size, n_embd] being [in, out] too; and the linear layers of the blocks.
 */
export const adaptableLayers = (config: GPT2Config): LinearLayer[] => [
  { name: TOKEN_EMBEDDING, in: config.vocab_size, out: config.n_embd },
  ...linearLayers(config),
]

/** A part of a model that has a name, a layer or a group of them. */
export interface Module {
  name: string
  /** Whether it can have an adapter. */
  adaptable: boolean
}

/** What PEFT's settings may name: the layers, and the parts around them, such as `transformer.h.0.mlp` and `score`. */
export function modulesOf(config: GPT2Config): Module[] {
  const adaptable = new Set(adaptableLayers(config).map(({ name }) => name))
  const names = new Set(['score', 'lm_head'])
  for (const parameter of parameterShapes(config).keys()) {
    const parts = parameter.split('.')
    for (let length = 1; length < parts.length; length++) names.add(parts.slice(0, length).join('.'))
  }
  return [...names].map((name) => ({ name, adaptable: adaptable.has(name) }))
}

/**
 * The shape of every tensor of a checkpoint.
 * @param numLabels rows of the classifier's `score.weight`, `[labels, n_embd]`; without it there is none
 */
export function parameterShapes(config: GPT2Config, numLabels?: number): Map<string, number[]> {
  const width = config.n_embd
  const layerNorms = Array.from({ length: config.n_layer }, (_, block) => [
    `transformer.h.${block}.ln_1`,
    `transformer.h.${block}.ln_2`,
  ]).flat()
  const entries: [string, number[]][] = [
    ['transformer.wte.weight', [config.vocab_size, width]],
    ['transformer.wpe.weight', [config.n_positions, width]],
  ]
  for (const name of [...layerNorms, 'transformer.ln_f']) {
    entries.push([`${name}.weight`, [width]], [`${name}.bias`, [width]])
  }
  for (const layer of linearLayers(config)) {
    entries.push([`${layer.name}.weight`, [layer.in, layer.out]], [`${layer.name}.bias`, [layer.out]])
  }
  if (numLabels !== undefined) entries.push(['score.weight', [numLabels, width]])
  return new Map(entries)
}
