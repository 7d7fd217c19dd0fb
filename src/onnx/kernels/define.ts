/** Gives a mapping the input names and attribute types that TF.js declares for its kernel. */
import { GraftError } from '../../core/errors.ts'
import type { Value } from '../graph.ts'
import type { Kernel, KernelContext } from '../kernels.ts'

/** @typeParam Inputs TF.js' `…Inputs` type; @typeParam Attributes its `…Attrs` type */
export function kernel<Inputs, Attributes = object>(
  emit: (inputs: { [name in keyof Inputs]: Value }, attributes: Attributes, context: KernelContext) => Value | Value[],
): Kernel {
  // TF.js passes names and attributes as its types declare, but types kernels by the common supertype.
  return emit as unknown as Kernel
}

/** Axes counted from the front. */
export const positive = (axes: number | readonly number[], rank: number): number[] =>
  (typeof axes === 'number' ? [axes] : axes).map((axis) => (axis < 0 ? axis + rank : axis))

/**
 * Refuses what a mapping cannot express.
 * @throws GraftError `trace`
 */
export function unsupported(message: string): never {
  throw new GraftError('trace', message, {
    hint: 'Write it with other tf.* operators, or with sizes that are not symbolic.',
  })
}
