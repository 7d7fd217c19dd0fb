/** Random weights for a new base, a new head, and new LoRA layers. */
import { modelOf } from './families.ts'
import type { ModelConfig, Parameter } from './family.ts'
import type { Random } from './random.ts'
import { type TensorData, type TensorMap, sizeOf } from './tensors.ts'

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

/** The parameters that a checkpoint lacks and may lack, as they begin. */
export function initializeMissing(
  config: ModelConfig,
  there: { has(name: string): boolean },
  random: Random,
): TensorMap {
  const missing = modelOf(config).parameters.filter(({ name, optional }) => optional && !there.has(name))
  return new Map(missing.map((parameter) => [parameter.name, begin(parameter, random.fork(parameter.name))]))
}

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
