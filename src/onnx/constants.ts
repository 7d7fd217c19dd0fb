/** Constants of a traced program: their shapes, and their values, may be symbolic sizes, which are computed at run time. */
import { GraftError } from '../core/errors.ts'
import { isStatic } from './dims.ts'
import type { Graph, Value } from './graph.ts'
import { cast } from './kernels/elementwise.ts'
import { expand, reshape } from './kernels/shapes.ts'
import type { Constant } from './recording.ts'
import type { Sizes } from './sizes.ts'
import { elementType, toConstantData } from './types.ts'

/**
 * Adds a constant to a graph.
 * @param each the constant in each run
 * @param caller for messages
 * @throws GraftError `trace` where it depends on a symbolic size otherwise than as a product of sizes
 */
export function constantOf(graph: Graph, sizes: Sizes, each: readonly Constant[], caller: string): Value {
  const [{ shape } = { shape: [] }] = each
  const dims = shape.map((_, axis) => sizes.toDim(each.map((constant) => constant.shape[axis] ?? Number.NaN)))
  const known = dims.filter((dim) => dim !== undefined)
  if (known.length < dims.length || each.some((constant) => constant.shape.length !== shape.length))
    return sizes.refuse(`a constant used${caller} has the shape ${inTurn(each.map((constant) => constant.shape))}`)
  if (isStatic(known)) return ofFixedShape(graph, sizes, each, caller)
  if (!each.every(isUniform)) {
    throw new GraftError('trace', `a constant of the symbolic shape [${known.join(', ')}] was used${caller}`, {
      hint: 'Only constants of one value everywhere can have a symbolic shape: compute it from an input, or slice it from a larger constant.',
      value: known.join(),
    })
  }
  const scalars = each.map(({ values, ...rest }) => ({ ...rest, shape: [], values: values.slice(0, 1) }))
  return expand(graph, ofFixedShape(graph, sizes, scalars, caller), known)
}

function ofFixedShape(graph: Graph, sizes: Sizes, each: readonly Constant[], caller: string): Value {
  const [first] = each
  if (!first) throw new Error('a constant without a run')
  const type = elementType(first.dtype)
  const { values, shape } = first
  if (each.every((other) => isEqual(other.values, values))) {
    return graph.constant(toConstantData(type, values), [...shape], type)
  }
  const dims = Array.from(values, (_, at) => sizes.toDim(each.map((constant) => constant.values[at] ?? Number.NaN)))
  const known = dims.filter((dim) => typeof dim === 'string' || Number.isSafeInteger(dim)) as (string | number)[]
  if (known.length < dims.length || type === 'bool')
    return sizes.refuse(`a constant used${caller} is ${inTurn(each.map((constant) => constant.values))}`)
  return cast(graph, reshape(graph, graph.shapeTensor(known), shape), type)
}

const isUniform = ({ values }: Constant): boolean => values.every((value) => Object.is(value, values[0]))

const isEqual = (a: Constant['values'], b: Constant['values']): boolean =>
  a === b || (a.length === b.length && a.every((value, at) => Object.is(value, b[at])))

/** The first numbers of what differs between the runs. */
const inTurn = (lists: readonly ArrayLike<number>[]): string =>
  lists.map((list) => `[${Array.from(list).slice(0, 8).join(', ')}]`).join(', then ')
