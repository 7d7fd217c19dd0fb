/** The two ways of training the GPT-2 classifier: all parameters, or LoRA layers and the head on a frozen base. */
import type * as tf from '@tensorflow/tfjs'
import type { GPT2Config } from '../../core/config.ts'
import { type LinearLayer, TOKEN_EMBEDDING, adaptableLayers } from '../../core/layers.ts'
import { isHead } from '../../core/lora.ts'
import type { Random } from '../../core/random.ts'
import type { TensorData, TensorMap } from '../../core/tensors.ts'
import { classify, tokenBatch } from '../../model/gpt2.ts'
import { filled, initializeScore, normal } from '../../model/initialize.ts'
import { denseLayers, loraLayers } from '../../model/layers.ts'
import { crossEntropy } from '../../model/ops/cross-entropy.ts'
import { parameter } from '../../model/parameters.ts'
import { TOKEN_INPUTS, type TrainingProgram, allParameterGroups } from '../program.ts'

export const SCORE = 'score.weight'

/** A classifier's batch, and its loss on the logits [batch, labels]. */
const classification = {
  inputs: TOKEN_INPUTS,
  targets: { labels: { shape: ['batch'], dtype: 'int32' } },
  loss: (logits, tensors) => crossEntropy(logits as tf.Tensor2D, parameter(tensors, 'labels') as tf.Tensor1D),
} satisfies Partial<TrainingProgram>

export interface ClassifierOptions {
  /** Its `vocab_size` is the number of rows that the weights' embedding has. */
  config: GPT2Config
  /** The base, by Hugging Face names. */
  weights: TensorMap
  /** Number of classes. */
  labels: number
  weightDecay: number
  random: Random
}

export interface LoraTrainingOptions {
  rank: number
  /** The factor of A·B, as `loraScaling` gives it. */
  scaling: number
  dropout: number
  /** Names of the layers that get an adapter. */
  targets: readonly string[]
  /** Distribution of the starting values of linear layers' A: N(0, 0.01²), or PEFT's Kaiming-uniform. */
  initialization: 'normal' | 'kaiming'
}

/** Trains every parameter. Embeddings, biases and normalization are not decayed. */
export function fullProgram({ config, weights, labels, weightDecay, random }: ClassifierOptions): TrainingProgram {
  const score = weights.get(SCORE)
  const fits = score?.shape[0] === labels
  const initial: TensorMap = fits
    ? weights
    : new Map([...weights].filter(([name]) => !isHead(name))).set(SCORE, initializeScore(config, labels, random))
  return {
    ...classification,
    groups: allParameterGroups(initial, weightDecay),
    initial,
    head: [...initial.keys()].filter(isHead),
    frozen: new Map(),
    usesDropout: config.embd_pdrop > 0 || config.resid_pdrop > 0,
    predict: (tensors, dropoutSource) =>
      classify(config, tensors, tokenBatch(tensors), parameter(tensors, SCORE), {
        layers: denseLayers(tensors),
        dropoutSource,
      }),
  }
}

/** Trains `lora_A`, `lora_B` of each target layer, and the head; the base is a constant of the program. */
export function loraProgram(
  { config, weights, labels, weightDecay, random }: ClassifierOptions,
  { rank, scaling, dropout, targets, initialization }: LoraTrainingOptions,
): TrainingProgram {
  const initial: TensorMap = new Map()
  for (const layer of adaptableLayers(config).filter(({ name }) => targets.includes(name))) {
    const [a, b] = initialPair(layer, rank, initialization, random.fork(layer.name))
    initial.set(`${layer.name}.lora_A`, a).set(`${layer.name}.lora_B`, b)
  }
  initial.set(SCORE, initializeScore(config, labels, random))
  const scalings = new Map(targets.map((name) => [name, scaling]))
  const frozen = new Map([...weights].filter(([name]) => !isHead(name)))
  return {
    ...classification,
    groups: [{ name: 'adapter', weightDecay, parameters: [...initial].map(([name, { shape }]) => ({ name, shape })) }],
    initial,
    head: [SCORE],
    frozen,
    usesDropout: dropout > 0,
    predict: (tensors, dropoutSource) => {
      const layers = loraLayers(tensors, { scalings, dropoutRate: dropout, dropoutSource })
      return classify(config, tensors, tokenBatch(tensors), parameter(tensors, SCORE), { layers })
    },
  }
}

/** As PEFT does, one of the two is zero: A for an embedding, where B is N(0, 1); B for a linear layer. */
function initialPair(
  layer: LinearLayer,
  rank: number,
  initialization: LoraTrainingOptions['initialization'],
  random: Random,
): [a: TensorData, b: TensorData] {
  const [a, b] = [
    [layer.in, rank],
    [rank, layer.out],
  ]
  if (layer.name === TOKEN_EMBEDDING) return [filled(a, 0), normal(b, 1, random)]
  return [initialization === 'normal' ? normal(a, 0.01, random) : kaimingUniform(a, layer.in, random), filled(b, 0)]
}

/** PyTorch's default for linear layers, which PEFT uses for A: uniform in ±1/√in (Kaiming with a = √5). */
function kaimingUniform(shape: number[], fanIn: number, random: Random) {
  const tensor = filled(shape, 0)
  const bound = 1 / Math.sqrt(fanIn)
  tensor.data = tensor.data.map(() => bound * (2 * random.uniform() - 1))
  return tensor
}
