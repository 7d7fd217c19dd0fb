/** A tiny classifier with random weights, its logits, and numbers compared. */
import * as tf from '@tensorflow/tfjs'
import { createConfig } from '../../src/core/families/gpt2.ts'
import { createRandom } from '../../src/core/random.ts'
import type { TensorMap } from '../../src/core/tensors.ts'
import { classify } from '../../src/model/families.ts'
import { initializeBase, initializeHead } from '../../src/core/initialize.ts'
import { type Layers, denseLayers } from '../../src/model/layers.ts'
import type { Tensors } from '../../src/model/parameters.ts'
import { tinyConfig } from '../fixtures/adapter.ts'

/** Larger weights than a new base has, so that every part of the model matters. */
export const config = createConfig({ ...tinyConfig, initializer_range: 0.3 })

/** All tensors of a classifier of three labels. Biases and scales are not 0 and 1, or leaving one out would not be noticed. */
export const weights: TensorMap = initializeBase(config, createRandom(1))
for (const [name, tensor] of initializeHead(config, 3, createRandom(2))) weights.set(name, tensor)
for (const [name, tensor] of weights) {
  const random = createRandom(3).fork(name)
  if (tensor.shape.length === 1) tensor.data = tensor.data.map((value) => value + 0.3 * random.normal())
}

export const toTensors = (tensors: TensorMap): Tensors =>
  Object.fromEntries([...tensors].map(([name, { data, shape }]) => [name, tf.tensor(data, shape)]))

/** A text as the model sees it; without a mask, all of it is real. */
export interface Row {
  ids: number[]
  mask?: number[]
}

interface LogitsOptions {
  layers?: (parameters: Tensors) => Layers
}

/** Logits [labels] of each of some texts of equal length, run as one batch. */
export const logitsOf = (
  tensors: TensorMap,
  rows: readonly Row[],
  { layers = (parameters) => denseLayers(config, parameters) }: LogitsOptions = {},
): number[][] =>
  tf.tidy(() => {
    const parameters = toTensors(tensors)
    const batch = {
      inputIds: tf.tensor2d(
        rows.map(({ ids }) => ids),
        undefined,
        'int32',
      ),
      attentionMask: tf.tensor2d(
        rows.map(({ ids, mask }) => mask ?? ids.map(() => 1)),
        undefined,
        'int32',
      ),
    }
    return classify(config, parameters, batch, { layers: layers(parameters) }).arraySync()
  })

/** Random token ids. */
export function tokens(length: number, seed = length): number[] {
  const random = createRandom(seed)
  return Array.from({ length }, () => random.integer(config.vocab_size))
}
