/** The logits that a bundle has to give: TF.js' own, from the base and an adapter as they were trained. */
import * as tf from '@tensorflow/tfjs'
import type { Adapter } from '../core/adapter.ts'
import { adapterTensors } from '../core/adapter/tensors.ts'
import { padToken } from '../core/encoder.ts'
import type { ModelConfig } from '../core/family.ts'
import { replaceWeights } from '../core/lora.ts'
import type { TensorData, TensorMap } from '../core/tensors.ts'
import { classify } from '../model/families.ts'
import { type Layers, denseLayers, loraLayers } from '../model/layers.ts'
import type { Tensors } from '../model/parameters.ts'

export interface ReferenceModel {
  config: ModelConfig
  /** The base; with a head where there is no adapter. */
  weights: TensorMap
  adapter?: Adapter | undefined
}

/**
 * Classifies token sequences one by one, without padding, on TF.js' cpu backend.
 * @returns logits [labels] of each sequence
 */
export async function referenceLogits(
  { config, weights, adapter }: ReferenceModel,
  sequences: readonly number[][],
): Promise<number[][]> {
  await tf.ready()
  const previous = tf.getBackend()
  tf.enableProdMode() // else TF.js prints an advertisement for its native package
  await tf.setBackend('cpu')
  try {
    return tf.tidy(() => {
      const tensors = toTensors(weights, adapter)
      const layers = layersOf(config, tensors, adapter)
      return sequences.map((ids) => logitsOf(config, tensors, ids, layers))
    })
  } finally {
    await tf.setBackend(previous)
  }
}

function toTensors(weights: TensorMap, adapter: Adapter | undefined): Tensors {
  const tensor = ({ data, shape }: TensorData) => tf.tensor(data, shape)
  const tensors: Tensors = {}
  for (const [name, data] of adapter ? replaceWeights(weights, adapter) : weights) tensors[name] = tensor(data)
  for (const [name, layer] of adapter?.layers ?? [])
    for (const { part, name: key } of adapterTensors({ name, kind: 'linear' })) tensors[key] = tensor(layer[part])
  return tensors
}

function layersOf(config: ModelConfig, tensors: Tensors, adapter: Adapter | undefined): Layers {
  if (!adapter) return denseLayers(config, tensors)
  const scalings = new Map([...adapter.layers].map(([name, { scaling }]) => [name, scaling]))
  return loraLayers(config, tensors, { scalings })
}

/** An empty sequence is one pad token, as in a batch. */
function logitsOf(config: ModelConfig, tensors: Tensors, ids: readonly number[], layers: Layers): number[] {
  const inputIds = tf.tensor2d([ids.length > 0 ? [...ids] : [padToken(config)]], undefined, 'int32')
  const attentionMask = tf.onesLike(inputIds)
  const logits = classify(config, tensors, { inputIds, attentionMask }, { layers })
  return [...logits.dataSync()]
}
