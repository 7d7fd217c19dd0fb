/** When what happens in a run: the learning rate by step (linear warm-up, then decay to zero), and the evaluations. */

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

/** The most ends of epochs after which a run is evaluated; the epochs of a small set are short and many. */
const MOST_EPOCH_ENDS = 20

export interface EvaluationSchedule {
  totalSteps: number
  stepsPerEpoch: number
  /** Evaluate every so many steps too. */
  evalEvery?: number | undefined
}

/** Whether the model is evaluated after a step: at the ends of epochs, of every second or third one where they are many, and at the end. */
export function isEvaluatedAfter(
  step: number,
  { totalSteps, stepsPerEpoch, evalEvery = 0 }: EvaluationSchedule,
): boolean {
  const epochs = Math.ceil(totalSteps / stepsPerEpoch / MOST_EPOCH_ENDS)
  return step === totalSteps || step % (epochs * stepsPerEpoch) === 0 || (evalEvery > 0 && step % evalEvery === 0)
}
