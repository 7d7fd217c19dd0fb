/** Gives a mapping the input names and attribute types that TF.js declares for its kernel. */
import { GraftError } from '../../core/errors.ts'
import type { Value } from '../graph.ts'
import type { Dim } from '../dims.ts'
import type { Kernel, KernelContext, Trial } from '../kernels.ts'

/**
 * An attribute read from `attributes` is the same in all runs of the traced function, or reading it is an error. What may
 * depend on symbolic sizes is read by `sizes`.
 * @typeParam Inputs TF.js' `…Inputs` type; @typeParam Attributes its `…Attrs` type
 */
export function kernel<Inputs, Attributes = object>(
  emit: (
    inputs: { [name in keyof Inputs]: Value },
    attributes: Attributes,
    context: KernelContext<Attributes>,
  ) => Value | Value[],
): Kernel {
  // TF.js passes names and attributes as its types declare, but types kernels by the common supertype.
  return emit as unknown as Kernel
}

/**
 * Sizes that TF.js computes from attributes and shapes: computed for each run, and symbolic where they differ.
 * @throws GraftError `trace` where they differ and are no products of sizes
 */
export function sizes<Attributes>(
  { trials, toDim }: KernelContext<Attributes>,
  compute: (attributes: Attributes, numbers: Trial['numbers']) => readonly number[],
): Dim[] {
  const runs = trials.map(({ attributes, numbers }) => compute(attributes, numbers))
  const [first = []] = runs
  return first.map((_, at) => {
    const each = runs.map((run) => run[at] ?? Number.NaN)
    return toDim(each) ?? unsupported(`the size ${each.join(', then ')} is no product of symbolic sizes`)
  })
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
