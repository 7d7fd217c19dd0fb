/** Inference rules of matrix products and normalization. */
import type { Dim } from '../dims.ts'
import type { Rule } from '../infer.ts'
import { broadcast } from './elementwise.ts'

const matMul: Rule = ({ input, fail }) => {
  const [a, b] = [input(0), input(1)]
  const [rows, inner] = a.shape.slice(-2)
  const [inner2, columns] = b.shape.slice(-2)
  if (rows === undefined || inner === undefined || inner2 === undefined || columns === undefined)
    return fail('operands need two axes')
  if (inner !== inner2) fail(`inner sizes ${inner} and ${inner2} differ`)
  const batch = broadcast([a.shape.slice(0, -2), b.shape.slice(0, -2)], fail)
  return { type: a.type, shape: [...batch, rows, columns] }
}

/** alpha · A·B + beta · C with A and B optionally transposed; C broadcasts to the result. */
const gemm: Rule = ({ input, inputs, integer, fail }) => {
  const [a, b, c] = [input(0), input(1), inputs[2]]
  if (a.shape.length !== 2 || b.shape.length !== 2) fail('operands must be matrices')
  const matrix = (shape: readonly Dim[], transposed: boolean) => (transposed ? shape.toReversed() : shape)
  const [rows, inner] = matrix(a.shape, integer('transA', 0) === 1)
  const [inner2, columns] = matrix(b.shape, integer('transB', 0) === 1)
  if (rows === undefined || columns === undefined || inner !== inner2)
    return fail(`inner sizes ${inner} and ${inner2} differ`)
  const shape = [rows, columns]
  if (c && broadcast([shape, c.shape], fail).some((dim, axis) => dim !== shape[axis]))
    fail('C does not broadcast to the result')
  return { type: a.type, shape }
}

/** Outputs: normalized, mean, inverse standard deviation (the latter two with a last axis of 1). */
const layerNormalization: Rule = ({ input, fail }) => {
  const [{ type, shape }, scale] = [input(0), input(1)]
  if (scale.shape.length !== 1 || scale.shape[0] !== shape.at(-1)) fail('the scale does not fit the last axis')
  const statistics = { type, shape: shape.with(shape.length - 1, 1) }
  return [{ type, shape }, statistics, statistics]
}

/** Outputs: normalized, inverse root mean square (with a last axis of 1). */
const rmsNormalization: Rule = (context) => {
  const [normalized, , inverse] = [layerNormalization(context)].flat()
  return [normalized ?? context.fail('no result'), inverse ?? context.fail('no result')]
}

/** Letters name axes; those missing in the result are summed over. */
const einsum: Rule = ({ inputs, input, attributes, fail }) => {
  const [terms = '', result = ''] = String(attributes['equation']).split('->')
  const sizes = new Map<string, Dim>()
  terms.split(',').forEach((term, position) => {
    const { shape } = input(position)
    if (shape.length !== term.length) fail(`operand ${position} does not have the axes "${term}"`)
    shape.forEach((dim, axis) => {
      const letter = term[axis] ?? ''
      if ((sizes.get(letter) ?? dim) !== dim) fail(`axis "${letter}" has sizes ${sizes.get(letter)} and ${dim}`)
      sizes.set(letter, dim)
    })
  })
  if (terms.split(',').length !== inputs.length) fail('the equation has another number of operands')
  return { type: input(0).type, shape: [...result].map((letter) => sizes.get(letter) ?? fail(`no axis "${letter}"`)) }
}

export const products = {
  Einsum: einsum,
  Gemm: gemm,
  LayerNormalization: layerNormalization,
  MatMul: matMul,
  SimplifiedLayerNormalization: rmsNormalization,
} satisfies Record<string, Rule>
