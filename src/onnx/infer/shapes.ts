/** Inference rules of operators that move data without computing: reshaping, joining, cutting, repeating. */
import { type Dim, add, divide, multiply } from '../dims.ts'
import type { Rule } from '../infer.ts'

/** An end of a slice past any size: "to the end". */
export const TO_THE_END = 2 ** 31 - 1

const reshape: Rule = ({ input, sizes, integer, fail }) => {
  const { type, shape } = input(0)
  const copyZero = integer('allowzero', 0) === 0
  const target = sizes(1).map((dim, axis): Dim =>
    dim === 0 && copyZero ? (shape[axis] ?? fail(`no axis ${axis} to copy`)) : dim,
  )
  const total = multiply(shape)
  const known = multiply(target.filter((dim) => dim !== -1))
  if (target.includes(-1)) {
    const rest = divide(total, known) ?? fail(`cannot be cut into [${target.join(', ')}]`)
    return { type, shape: target.map((dim) => (dim === -1 ? rest : dim)) }
  }
  if (known !== total) fail(`cannot be reshaped to [${target.join(', ')}]`)
  return { type, shape: target }
}

const transpose: Rule = ({ input, integers, fail }) => {
  const { type, shape } = input(0)
  const permutation = integers('perm')
  if (permutation.length !== shape.length) fail('the permutation has another rank')
  return { type, shape: permutation.map((axis) => shape[axis] ?? fail(`no axis ${axis}`)) }
}

const concat: Rule = ({ inputs, input, integer, fail }) => {
  const values = inputs.map((_, position) => input(position))
  const axis = integer('axis', 0)
  const first = input(0)
  for (const { shape, type } of values) {
    if (type !== first.type) fail('operands differ in type')
    if (shape.length !== first.shape.length || shape.some((dim, at) => at !== axis && dim !== first.shape[at])) {
      fail(`operands differ in a size other than axis ${axis}`)
    }
  }
  const joined = values.map(({ shape }) => shape[axis] ?? fail(`no axis ${axis}`))
  const total = add(joined)
  const known = values.every(({ sizes }) => sizes !== undefined)
  return {
    type: first.type,
    shape: first.shape.map((dim, at) =>
      at === axis ? (total ?? fail('a symbolic size cannot be added to another')) : dim,
    ),
    ...(known && { sizes: values.flatMap(({ sizes }) => sizes ?? []) }),
  }
}

const split: Rule = ({ input, inputs, integer, fail }) => {
  const { type, shape } = input(0)
  const axis = integer('axis', 0)
  const parts = inputs[1]?.sizes ?? fail('sizes must be known')
  if (add(parts) !== shape[axis]) fail(`parts of ${parts.join(', ')} do not make up axis ${axis}`)
  return parts.map((part) => ({ type, shape: shape.map((dim, at) => (at === axis ? part : dim)) }))
}

const slice: Rule = ({ input, sizes, inputs, fail }) => {
  const { type, shape, sizes: held } = input(0)
  const [starts, ends, axes] = [sizes(1), sizes(2), sizes(3)]
  const steps = inputs[4]?.sizes ?? axes.map(() => 1)
  const sliced = [...shape]
  axes.forEach((axis, at) => {
    const [start, end, step] = [starts[at], ends[at], steps[at]]
    const dim = shape[Number(axis)] ?? fail(`no axis ${axis}`)
    sliced[Number(axis)] =
      slicedSize(dim, start, end, step) ?? fail(`cannot cut ${dim} from ${start} to ${end} by ${step}`)
  })
  return {
    type,
    shape: sliced,
    ...(held && axes.length === 1 && { sizes: held.slice(Number(starts[0]), Number(ends[0])) }),
  }
}

function slicedSize(dim: Dim, start?: Dim, end?: Dim, step?: Dim): Dim | undefined {
  if (step === -1 && start === -1 && end === -TO_THE_END) return dim
  if (typeof start !== 'number' || end === undefined || typeof step !== 'number' || start < 0) return undefined
  const limit = end === TO_THE_END ? dim : end
  if (start === 0 && step === 1 && (typeof dim !== 'number' || typeof limit !== 'number')) return limit
  if (typeof limit !== 'number') return undefined
  const last = typeof dim === 'number' ? Math.min(limit, dim) : limit
  return Math.max(0, Math.ceil((Math.max(last, -1) - start) / step))
}

const expand: Rule = ({ input, sizes, fail }) => {
  const { type, shape } = input(0)
  const target = sizes(1)
  const offset = target.length - shape.length
  if (shape.some((dim, axis) => dim !== 1 && dim !== target[axis + offset]))
    fail(`cannot expand to [${target.join(', ')}]`)
  return { type, shape: target }
}

const tile: Rule = ({ input, sizes }) => {
  const { type, shape } = input(0)
  const repeats = sizes(1)
  return { type, shape: shape.map((dim, axis) => multiply([dim, repeats[axis] ?? 1])) }
}

/** Pads are [begin of each axis, end of each axis]. */
const pad: Rule = ({ input, sizes, fail }) => {
  const { type, shape } = input(0)
  const pads = sizes(1).map(Number)
  return {
    type,
    shape: shape.map((dim, axis) => {
      const added = (pads[axis] ?? 0) + (pads[axis + shape.length] ?? 0)
      return added === 0 ? dim : typeof dim === 'number' ? dim + added : fail(`a symbolic size cannot be padded`)
    }),
  }
}

const shapeOf: Rule = ({ input, integer }) => {
  const { shape } = input(0)
  const sizes = shape.slice(integer('start', 0), integer('end', shape.length))
  return { type: 'int64', shape: [sizes.length], sizes }
}

export const shapes = {
  Concat: concat,
  Expand: expand,
  Pad: pad,
  Reshape: reshape,
  Shape: shapeOf,
  Slice: slice,
  Split: split,
  Tile: tile,
  Transpose: transpose,
} satisfies Record<string, Rule>
