/** The learning rate over a run: linear warm-up, then decay to zero along a line or half a cosine. */

export type Decay = 'linear' | 'cosine'

export interface Schedule {
  /** The highest rate, reached at the end of warm-up. */
  learningRate: number
  /** Share of all steps that warm up, 0 to 1. */
  warmup: number
  decay: Decay
  totalSteps: number
}

export interface RunLength {
  epochs: number
  /** The fewest steps. */
  minSteps?: number
  /** The most steps; 0 for no limit. */
  maxSteps?: number
}

/** Steps of a run: those of its epochs, more where they are too few, fewer where they are too many. */
export const totalStepsOf = ({ epochs, minSteps = 0, maxSteps = 0 }: RunLength, stepsPerEpoch: number): number =>
  Math.min(Math.max(epochs * stepsPerEpoch, minSteps), maxSteps || Infinity)

/** The learning rate of a step; steps count from 1. */
export function learningRateAt(step: number, { learningRate, warmup, decay, totalSteps }: Schedule): number {
  const warmupSteps = Math.round(warmup * totalSteps)
  if (step <= warmupSteps) return (learningRate * step) / warmupSteps
  const left = (totalSteps - step + 1) / (totalSteps - warmupSteps + 1)
  return learningRate * (decay === 'linear' ? left : (1 - Math.cos(Math.PI * left)) / 2)
}
