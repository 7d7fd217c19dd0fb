/**
 * Linear layers, and the two ways in which LoRA replaces them. The model calls `linear(x, name)`; what is behind it
 * decides whether a layer is plain, adapted by one adapter (training, checks), or by one of a stack, row by row (serving).
 */
import * as tf from '@tensorflow/tfjs'
import { type DropoutSource, dropout } from './ops/dropout.ts'
import { gemm } from './ops/gemm.ts'
import { type Tensors, parameter } from './parameters.ts'

/** Applies the linear layer `name` to x: [n, in] → [n, out]. */
export type Linear = (x: tf.Tensor2D, name: string) => tf.Tensor2D

/** x·W + b, W as GPT-2 stores it: [in, out]. */
export const denseLinear =
  (parameters: Tensors): Linear =>
  (x, name) =>
    gemm(x, parameter(parameters, `${name}.weight`), parameter(parameters, `${name}.bias`))

export interface LoraOptions {
  /** The factor s of s · A·B, by the names of the layers that have an adapter. */
  scalings: ReadonlyMap<string, number>
  dropoutRate?: number
  dropoutSource?: DropoutSource | undefined
}

/**
 * x·W + b + s · (dropout(x)·A)·B (Hu et al. 2021, arXiv:2106.09685), with `<layer>.lora_A` [in, r] and `<layer>.lora_B`
 * [r, out] among the parameters.
 */
export function loraLinear(parameters: Tensors, { scalings, dropoutRate = 0, dropoutSource }: LoraOptions): Linear {
  const base = denseLinear(parameters)
  return (x, name) => {
    const scaling = scalings.get(name)
    if (scaling === undefined) return base(x, name)
    const down = gemm(dropout(x, dropoutRate, dropoutSource), parameter(parameters, `${name}.lora_A`)) // [n, r]
    return gemm(down, parameter(parameters, `${name}.lora_B`), base(x, name), { alpha: scaling })
  }
}

/**
 * Each row of the batch goes through the adapter that `adapterIndex` names: `<layer>.lora_A` is [adapters, in, r],
 * `<layer>.lora_B` [adapters, r, out], already scaled.
 * @param adapterIndex [batch] int32
 */
export function stackedLoraLinear(
  parameters: Tensors,
  targets: ReadonlySet<string>,
  adapterIndex: tf.Tensor1D,
): Linear {
  const base = denseLinear(parameters)
  return (x, name) => {
    if (!targets.has(name)) return base(x, name)
    const dense = base(x, name)
    const [rows] = adapterIndex.shape
    const a = tf.gather(parameter(parameters, `${name}.lora_A`), adapterIndex) // [B, in, r]
    const b = tf.gather(parameter(parameters, `${name}.lora_B`), adapterIndex) // [B, r, out]
    const delta = tf.matMul(tf.matMul(tf.reshape(x, [rows, x.shape[0] / rows, x.shape[1]]), a), b) // [B, n / B, out]
    return tf.add(dense, tf.reshape(delta, dense.shape))
  }
}
