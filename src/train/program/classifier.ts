/** The two ways of training a classifier: all parameters, or LoRA layers and the head on a frozen base. */
import type * as tf from '@tensorflow/tfjs'
import { type AdapterTensor, adapterShape, adapterTensors } from '../../core/adapter/tensors.ts'
import { modelOf } from '../../core/families.ts'
import type { AdaptableLayer, ModelConfig } from '../../core/family.ts'
import { adaptableLayers, headLayers, isHead, labelCount } from '../../core/layers.ts'
import type { Random } from '../../core/random.ts'
import { type ProblemType, SINGLE_LABEL } from '../../core/task.ts'
import type { TensorData, TensorMap } from '../../core/tensors.ts'
import { classify } from '../../model/families.ts'
import { tokenBatch } from '../../model/family.ts'
import { filled, initializeHead, normal } from '../../core/initialize.ts'
import { denseLayers, loraLayers } from '../../model/layers.ts'
import { taskLosses } from '../../model/losses.ts'
import { parameter } from '../../model/parameters.ts'
import type { Scheme } from '../../onnx/index.ts'
import { type ParameterGroup, TOKEN_INPUTS, type TrainingProgram, allParameterGroups } from '../program.ts'

/** A classifier's batch, and its loss on the logits [batch, labels]. */
function lossOf({ labels, problemType = SINGLE_LABEL }: ClassifierOptions) {
  const { shape, dtype, loss } = taskLosses[problemType]
  return {
    inputs: TOKEN_INPUTS,
    targets: { labels: { shape: shape.map((dim) => (dim === 'labels' ? labels : dim)), dtype } },
    loss: (logits, tensors) => loss(logits as tf.Tensor2D, parameter(tensors, 'labels')),
  } satisfies Partial<TrainingProgram>
}

export interface ClassifierOptions {
  /** Its `vocab_size` is the number of rows that the weights' embedding has. */
  config: ModelConfig
  /** The base. */
  weights: TensorMap
  /** Number of classes, or 1 for a regression. */
  labels: number
  /** One label for each text, by default. */
  problemType?: ProblemType
  weightDecay: number
  random: Random
}

/** How a graph keeps a frozen base, by the setting's names. */
export const FROZEN_SCHEMES = {
  fp32: undefined,
  int8: 'int8',
  int4: 'int4-eight',
  nf4: 'nf4',
} as const satisfies Record<string, Scheme | undefined>

export interface LoraTrainingOptions {
  rank: number
  /** The factor of A·B, as `loraScaling` gives it. */
  scaling: number
  dropout: number
  /** Names of the layers that get an adapter. */
  targets: readonly string[]
  /** Distribution of the starting values of linear layers' A: N(0, 0.01²), or PEFT's Kaiming-uniform. */
  initialization: 'normal' | 'kaiming'
  /** What the learning rate of linear layers' B is multiplied by; 1 by default. */
  loraPlusRatio?: number
  /** How the base is kept. */
  basePrecision?: keyof typeof FROZEN_SCHEMES
}

/** Trains every parameter. Embeddings, biases and normalization are not decayed. */
export function fullProgram(options: ClassifierOptions): TrainingProgram {
  const { config, weights, labels, weightDecay, random } = options
  const initial: TensorMap =
    labelCount(weights, config) === labels
      ? weights
      : new Map([...withoutHead(weights), ...initializeHead(config, labels, random)])
  return {
    ...lossOf(options),
    groups: allParameterGroups(config, initial, weightDecay),
    initial,
    head: lastOfHead(config, initial),
    frozen: new Map(),
    usesDropout: modelOf(config).usesDropout,
    predict: (tensors, dropoutSource) =>
      classify(config, tensors, tokenBatch(tensors), { layers: denseLayers(config, tensors), dropoutSource }),
  }
}

/** Trains `lora_A`, `lora_B` of each target layer, and the head; the base is a constant of the program. */
export function loraProgram(
  options: ClassifierOptions,
  { rank, scaling, dropout, targets, initialization, loraPlusRatio = 1, basePrecision = 'fp32' }: LoraTrainingOptions,
): TrainingProgram {
  const { config, weights, labels, weightDecay, random } = options
  const initial: TensorMap = new Map()
  const plus = new Set<string>()
  for (const layer of adaptableLayers(config).filter(({ name }) => targets.includes(name))) {
    const stream = random.fork(layer.name)
    for (const { part, name } of adapterTensors(layer)) {
      initial.set(name, begin(part, layer, { rank, initialization, random: stream }))
      if (part === 'b' && layer.kind === 'linear') plus.add(name)
    }
  }
  for (const [name, tensor] of initializeHead(config, labels, random)) initial.set(name, tensor)
  const scalings = new Map(targets.map((name) => [name, scaling]))
  const frozen = withoutHead(weights)
  return {
    ...lossOf(options),
    groups: loraGroups(initial, { weightDecay, loraPlusRatio, isPlus: (name) => plus.has(name) }),
    initial,
    head: lastOfHead(config, initial),
    frozen,
    frozenScheme: FROZEN_SCHEMES[basePrecision],
    usesDropout: dropout > 0,
    predict: (tensors, dropoutSource) => {
      const layers = loraLayers(config, tensors, { scalings, dropoutRate: dropout, dropoutSource })
      return classify(config, tensors, tokenBatch(tensors), { layers })
    },
  }
}

interface GroupOptions {
  weightDecay: number
  loraPlusRatio: number
  /** Whether a parameter has LoRA+'s rate. */
  isPlus(name: string): boolean
}

/** One vector for the optimizer, or two where their rates differ. */
function loraGroups(initial: TensorMap, { weightDecay, loraPlusRatio, isPlus }: GroupOptions): ParameterGroup[] {
  const all = [...initial].map(([name, { shape }]) => ({ name, shape }))
  if (loraPlusRatio === 1) return [{ name: 'adapter', weightDecay, parameters: all }]
  return [
    { name: 'adapter', weightDecay, parameters: all.filter(({ name }) => !isPlus(name)) },
    { name: 'adapter_b', weightDecay, rateFactor: loraPlusRatio, parameters: all.filter(({ name }) => isPlus(name)) },
  ].filter(({ parameters }) => parameters.length > 0)
}

const withoutHead = (weights: TensorMap): TensorMap => new Map([...weights].filter(([name]) => !isHead(name)))

/** The tensors of the head's last layer: logits are in proportion to them. */
function lastOfHead(config: ModelConfig, tensors: TensorMap): string[] {
  const last = headLayers(config).at(-1)?.name
  return [`${last}.weight`, `${last}.bias`].filter((name) => tensors.has(name))
}

/** As PEFT does, one of the two is zero: A for an embedding, where B is N(0, 1); B for a linear layer. */
function begin(
  part: AdapterTensor['part'],
  layer: AdaptableLayer,
  { rank, initialization, random }: Pick<LoraTrainingOptions, 'rank' | 'initialization'> & { random: Random },
): TensorData {
  const shape = adapterShape(part, layer, rank)
  const isZero = part === (layer.kind === 'embedding' ? 'a' : 'b')
  if (isZero) return filled(shape, 0)
  if (layer.kind === 'embedding') return normal(shape, 1, random)
  return initialization === 'normal' ? normal(shape, 0.01, random) : kaimingUniform(shape, layer.in, random)
}

/** PyTorch's default for linear layers, which PEFT uses for A: uniform in ±1/√in (Kaiming with a = √5). */
function kaimingUniform(shape: number[], fanIn: number, random: Random) {
  const tensor = filled(shape, 0)
  const bound = 1 / Math.sqrt(fanIn)
  tensor.data = tensor.data.map(() => bound * (2 * random.uniform() - 1))
  return tensor
}
