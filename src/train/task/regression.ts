/** Regression as a task: numbers are trained on in units of their standard deviation, and the kept head is put back into theirs. */
import type { EncodedSet } from '../evaluate.ts'
import type { TrainingTask } from '../task.ts'
import { type ClassificationOptions, classificationTask } from './classification.ts'

/**
 * The losses of its history are in those units, so that one learning rate is fit for stars from 1 to 5 and for prices in thousands: a
 * mean squared error of 1 is that of the best constant.
 */
export function regressionTask({ train, validation, ...options }: ClassificationOptions): TrainingTask {
  const unit = standardDeviation(train.labels.map(Number)) || 1
  const inUnits = (set: EncodedSet): EncodedSet => ({
    ...set,
    labels: set.labels.map((number) => Number(number) / unit),
  })
  return {
    ...classificationTask({ train: inUnits(train), validation: inUnits(validation), ...options }),
    calibrate: async () => ({ temperature: 1 / unit }),
  }
}

function standardDeviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
}
