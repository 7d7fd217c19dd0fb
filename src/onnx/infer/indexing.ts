/** Inference rules of operators that select by index: gathering, scattering, top-k. */
import type { ElementType } from '../types.ts'
import type { Rule } from '../infer.ts'

const int64: ElementType = 'int64'

const gather: Rule = ({ input, integer, fail }) => {
  const [{ type, shape }, indices] = [input(0), input(1)]
  if (indices.type !== 'int64') fail('indices are not int64')
  return { type, shape: shape.toSpliced(integer('axis', 0), 1, ...indices.shape) }
}

const gatherND: Rule = ({ input, integer, fail }) => {
  const [{ type, shape }, indices] = [input(0), input(1)]
  const depth = indices.shape.at(-1)
  if (typeof depth !== 'number') return fail('the last size of the indices is symbolic')
  return { type, shape: [...indices.shape.slice(0, -1), ...shape.slice(integer('batch_dims', 0) + depth)] }
}

/** Scattering writes into a copy of the first input. */
const scatterND: Rule = ({ input }) => ({ type: input(0).type, shape: input(0).shape })

const topK: Rule = ({ input, sizes, integer }) => {
  const { type, shape } = input(0)
  const [k = 0] = sizes(1)
  const axis = integer('axis', -1)
  const cut = shape.with(axis, k)
  return [
    { type, shape: cut },
    { type: int64, shape: cut },
  ]
}

export const indexing = {
  Gather: gather,
  GatherND: gatherND,
  ScatterND: scatterND,
  TopK: topK,
} satisfies Record<string, Rule>
