/** Random weights for a new base, a new head, and new LoRA layers. */
import { modelOf } from '../core/families.ts'
import type { ModelConfig, Parameter } from '../core/family.ts'
import type { Random } from '../core/random.ts'
import { type TensorData, type TensorMap, sizeOf } from '../core/tensors.ts'

/** A new base: each parameter as its family has it begin. */
export const initializeBase = (config: ModelConfig, random: Random): TensorMap =>
  new Map(
    modelOf(config).parameters.map((parameter) => [parameter.name, begin(parameter, random.fork(parameter.name))]),
  )

/** A new classification head. */
export const initializeHead = (config: ModelConfig, labels: number, random: Random): TensorMap =>
  new Map(
    modelOf(config)
      .head(labels)
      .map((parameter) => [parameter.name, begin(parameter, random)]),
  )

function begin({ shape, start }: Parameter, random: Random): TensorData {
  if (typeof start === 'object') return normal(shape, start.deviation, random)
  return filled(shape, start === 'ones' ? 1 : 0)
}

/** A tensor of independent normal numbers. */
export function normal(shape: number[], deviation: number, random: Random): TensorData {
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => deviation * random.normal()) }
}

/** A tensor of one value. */
export const filled = (shape: number[], value: number): TensorData => ({
  shape,
  data: new Float32Array(sizeOf(shape)).fill(value),
})
