/** The two ways of training the GPT-2 classifier: all parameters, or LoRA layers and the head on a frozen base. */
import type * as tf from '@tensorflow/tfjs'
import type { GPT2Config } from '../../core/config.ts'
import { linearLayers } from '../../core/layers.ts'
import { isHead } from '../../core/lora.ts'
import type { Random } from '../../core/random.ts'
import type { TensorMap } from '../../core/tensors.ts'
import { classify, tokenBatch } from '../../model/gpt2.ts'
import { filled, initializeScore, normal } from '../../model/initialize.ts'
import { denseLinear, loraLinear } from '../../model/linear.ts'
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
  /** Names of the linear layers that get an adapter. */
  targets: readonly string[]
  /** Distribution of A's starting values: N(0, 0.01²), or PEFT's Kaiming-uniform. B starts at 0. */
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
    frozen: new Map(),
    usesDropout: config.embd_pdrop > 0 || config.resid_pdrop > 0,
    predict: (tensors, dropoutSource) =>
      classify(config, tensors, tokenBatch(tensors), parameter(tensors, SCORE), {
        linear: denseLinear(tensors),
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
  for (const layer of linearLayers(config).filter(({ name }) => targets.includes(name))) {
    const stream = random.fork(layer.name)
    const a = [layer.in, rank]
    initial.set(
      `${layer.name}.lora_A`,
      initialization === 'normal' ? normal(a, 0.01, stream) : kaimingUniform(a, layer.in, stream),
    )
    initial.set(`${layer.name}.lora_B`, filled([rank, layer.out], 0))
  }
  initial.set(SCORE, initializeScore(config, labels, random))
  const scalings = new Map(targets.map((name) => [name, scaling]))
  const frozen = new Map([...weights].filter(([name]) => !isHead(name)))
  return {
    ...classification,
    groups: [{ name: 'adapter', weightDecay, parameters: [...initial].map(([name, { shape }]) => ({ name, shape })) }],
    initial,
    frozen,
    usesDropout: dropout > 0,
    predict: (tensors, dropoutSource) => {
      const linear = loraLinear(tensors, { scalings, dropoutRate: dropout, dropoutSource })
      return classify(config, tensors, tokenBatch(tensors), parameter(tensors, SCORE), { linear })
    },
  }
}

/** PyTorch's default for linear layers, which PEFT uses for A: uniform in ±1/√in (Kaiming with a = √5). */
function kaimingUniform(shape: number[], fanIn: number, random: Random) {
  const tensor = filled(shape, 0)
  const bound = 1 / Math.sqrt(fanIn)
  tensor.data = tensor.data.map(() => bound * (2 * random.uniform() - 1))
  return tensor
}
