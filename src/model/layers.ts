/**
 * Layers with weights, and the two ways in which LoRA replaces them. The model calls `linear(x, name)` and
 * `embedding(ids, name)`; what is behind them decides whether a layer is plain, adapted by one adapter (training, checks),
 * or by one of a stack, row by row (serving).
 */
import * as tf from '@tensorflow/tfjs'
import type { ModelConfig } from '../core/family.ts'
import { adaptableLayers, headLayers } from '../core/layers.ts'
import { type DropoutSource, dropout } from './ops/dropout.ts'
import { gemm } from './ops/gemm.ts'
import { type Tensors, parameter } from './parameters.ts'

export interface Layers {
  /** Applies the linear layer `name` to x: [n, in] → [n, out]. */
  linear(x: tf.Tensor2D, name: string): tf.Tensor2D
  /** Looks token ids up in the embedding `name`: [batch, sequence] → [batch · sequence, n_embd]. */
  embedding(ids: tf.Tensor2D, name: string): tf.Tensor2D
}

const flat = (ids: tf.Tensor2D): tf.Tensor1D => tf.reshape(ids, [ids.size])

const rowsOf = (table: tf.Tensor, indices: tf.Tensor1D) => tf.gather(table, indices) as tf.Tensor2D

/** x·W + b, with W as the family's checkpoints have it, [in, out] or [out, in], and b where there is one; and rows of W. */
export function denseLayers(config: ModelConfig, parameters: Tensors): Layers {
  const layouts = new Map([...adaptableLayers(config), ...headLayers(config)].map(({ name, layout }) => [name, layout]))
  return {
    linear: (x, name) =>
      gemm(x, parameter(parameters, `${name}.weight`), parameters[`${name}.bias`], {
        transposeB: layouts.get(name) === 'out-in',
      }),
    embedding: (ids, name) => rowsOf(parameter(parameters, `${name}.weight`), flat(ids)),
  }
}

export interface LoraOptions {
  /** The factor s of s · A·B, by the names of the layers that have an adapter. */
  scalings: ReadonlyMap<string, number>
  dropoutRate?: number
  dropoutSource?: DropoutSource | undefined
}

/**
 * x·W + b + s · (dropout(x)·A)·B (Hu et al. 2021, arXiv:2106.09685), with `<layer>.lora_A` [in, r] and `<layer>.lora_B`
 * [r, out] among the parameters. To an embedding, x is one-hot: x·A is a row of A, and dropout leaves out whole tokens.
 */
export function loraLayers(
  config: ModelConfig,
  parameters: Tensors,
  { scalings, dropoutRate = 0, dropoutSource }: LoraOptions,
): Layers {
  const base = denseLayers(config, parameters)
  const drop = (x: tf.Tensor2D) => dropout(x, dropoutRate, dropoutSource)
  const drops = dropoutSource !== undefined && dropoutRate > 0
  const up = (down: tf.Tensor2D, name: string, dense: tf.Tensor2D, scaling: number) =>
    gemm(down, parameter(parameters, `${name}.lora_B`), dense, { alpha: scaling })

  return {
    linear(x, name) {
      const scaling = scalings.get(name)
      if (scaling === undefined) return base.linear(x, name)
      const down = gemm(drop(x), parameter(parameters, `${name}.lora_A`)) // [n, r]
      return up(down, name, base.linear(x, name), scaling)
    },
    embedding(ids, name) {
      const scaling = scalings.get(name)
      if (scaling === undefined) return base.embedding(ids, name)
      const down = rowsOf(parameter(parameters, `${name}.lora_A`), flat(ids)) // [batch · sequence, r]
      const kept: tf.Tensor2D = drops ? tf.mul(down, drop(tf.ones([ids.size, 1]))) : down
      return up(kept, name, base.embedding(ids, name), scaling)
    },
  }
}

/**
 * Each row of the batch goes through the adapter that `adapterIndex` names: `<layer>.lora_A` is [adapters, in, r],
 * `<layer>.lora_B` [adapters, r, out], already scaled; the head's weights are [adapters, out, in], its biases [adapters, out].
 * @param adapterIndex [batch] int32
 */
export function stackedLoraLayers(
  config: ModelConfig,
  parameters: Tensors,
  targets: ReadonlySet<string>,
  adapterIndex: tf.Tensor1D,
): Layers {
  const base = denseLayers(config, parameters)
  const heads = new Set(headLayers(config).map(({ name }) => name))
  const [batch] = adapterIndex.shape
  const stack = (name: string) => parameter(parameters, name) as tf.Tensor3D
  const own = (name: string) => tf.gather(stack(name), adapterIndex) as tf.Tensor3D
  const add = (dense: tf.Tensor2D, delta: tf.Tensor): tf.Tensor2D => tf.add(dense, tf.reshape(delta, dense.shape))

  /** A text's state through its own adapter's weights. */
  function headLinear(x: tf.Tensor2D, name: string): tf.Tensor2D {
    const product = tf.matMul(own(`${name}.weight`), tf.expandDims(x, 2)) // [B, out, 1]
    const result: tf.Tensor2D = tf.reshape(product, [batch, product.shape[1] ?? 0])
    return parameters[`${name}.bias`] ? tf.add(result, own(`${name}.bias`)) : result
  }

  return {
    linear(x, name) {
      if (heads.has(name)) return headLinear(x, name)
      const dense = base.linear(x, name)
      if (!targets.has(name)) return dense
      const texts = tf.reshape(x, [batch, x.shape[0] / batch, x.shape[1]]) // [B, n / B, in]
      return add(dense, tf.matMul(tf.matMul(texts, own(`${name}.lora_A`)), own(`${name}.lora_B`)))
    },
    embedding(ids, name) {
      const dense = base.embedding(ids, name)
      if (!targets.has(name)) return dense
      const adapters = tf.add(tf.zerosLike(ids), tf.reshape(adapterIndex, [batch, 1])) // [B, T]
      const down = tf.gatherND(stack(`${name}.lora_A`), tf.stack([adapters, ids], 2)) // [B, T, r]
      return add(dense, tf.matMul(down, own(`${name}.lora_B`)))
    },
  }
}
