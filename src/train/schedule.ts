/** The learning rate over a run: linear warm-up, then linear decay to zero. */

export interface Schedule {
  /** The highest rate, reached at the end of warm-up. */
  learningRate: number
  /** Share of all steps that warm up, 0 to 1. */
  warmup: number
  totalSteps: number
}

/** The learning rate of a step; steps count from 1. */
export function learningRateAt(step: number, { learningRate, warmup, totalSteps }: Schedule): number {
  const warmupSteps = Math.round(warmup * totalSteps)
  if (step <= warmupSteps) return (learningRate * step) / warmupSteps
  return (learningRate * (totalSteps - step + 1)) / (totalSteps - warmupSteps + 1)
}
