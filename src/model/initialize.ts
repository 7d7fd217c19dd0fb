/** Random weights for a new base and for new LoRA layers. */
import { type GPT2Config } from '../core/config.ts'
import type { Random } from '../core/random.ts'
import { type TensorData, type TensorMap, sizeOf } from '../core/tensors.ts'
import { parameterShapes } from '../core/layers.ts'

/**
 * GPT-2's initialization: weights N(0, initializer_range²), those of residual projections divided by √(2·n_layer),
 * biases 0, normalization scales 1.
 */
export function initializeBase(config: GPT2Config, random: Random): TensorMap {
  const residual = config.initializer_range / Math.sqrt(2 * config.n_layer)
  const weights: TensorMap = new Map()
  for (const [name, shape] of parameterShapes(config)) {
    const stream = random.fork(name)
    if (name.endsWith('.bias')) weights.set(name, filled(shape, 0))
    else if (/\.ln_\w+\.weight$/.test(name)) weights.set(name, filled(shape, 1))
    else weights.set(name, normal(shape, name.endsWith('c_proj.weight') ? residual : config.initializer_range, stream))
  }
  return weights
}

/** The classification head [labels, n_embd], N(0, initializer_range²). */
export const initializeScore = (config: GPT2Config, labels: number, random: Random): TensorData =>
  normal([labels, config.n_embd], config.initializer_range, random)

/** A tensor of independent normal numbers. */
export function normal(shape: number[], deviation: number, random: Random): TensorData {
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => deviation * random.normal()) }
}

/** A tensor of one value. */
export const filled = (shape: number[], value: number): TensorData => ({
  shape,
  data: new Float32Array(sizeOf(shape)).fill(value),
})
