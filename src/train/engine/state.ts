/** The optimizer's state at the start of a run. */
import type { TrainingState } from '../engine.ts'
import { type TrainingProgram, flatten } from '../program.ts'
import { stateName } from '../step.ts'

/** Starting values, and moments of zero. */
export function initialState({ groups, initial }: TrainingProgram): TrainingState {
  return new Map(
    groups.flatMap((group) => {
      const values = flatten(group, initial)
      const zeros = () => new Float32Array(values.length)
      return [
        [stateName(group, 'values'), values],
        [stateName(group, 'm'), zeros()],
        [stateName(group, 'v'), zeros()],
      ] as const
    }),
  )
}
