/**
 * Inference rules of operators on quantized numbers. Those of ONNX Runtime alone, its domain `com.microsoft`, are described in
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
 */
import type { Value } from '../graph.ts'
import type { Rule, RuleContext } from '../infer.ts'
import { sizeOf } from '../../core/tensors.ts'

const expect = ({ input, fail }: RuleContext, position: number, type: Value['type']): Value =>
  input(position).type === type ? input(position) : fail(`input ${position} is not ${type}`)

/** round(x / scale) + zero point as uint8; one scale and zero point, or one for each place on an axis. */
const quantizeLinear: Rule = (context) => {
  const { integer, fail } = context
  const { shape } = expect(context, 0, 'float32')
  const [scale, zero] = [expect(context, 1, 'float32'), expect(context, 2, 'uint8')]
  if (String(scale.shape) !== String(zero.shape)) fail('there is not one zero point for each scale')
  if (scale.shape.length > 0 && String(scale.shape) !== String([shape[integer('axis', 1)]]))
    fail('there is not one scale for each place on the axis')
  return { type: 'uint8', shape }
}

/** (A − zero point) · B · scale of A · scales of B's columns + bias; A uint8, B int8 and a matrix. */
const matMulIntegerToFloat: Rule = (context) => {
  const { inputs, fail } = context
  const [a, b] = [expect(context, 0, 'uint8'), expect(context, 1, 'int8')]
  const [inner, columns] = b.shape
  if (b.shape.length !== 2 || columns === undefined) return fail('B is not a matrix')
  if (a.shape.at(-1) !== inner) fail(`inner sizes ${a.shape.at(-1)} and ${inner} differ`)
  expect(context, 2, 'float32')
  if (String(expect(context, 3, 'float32').shape) !== String([columns])) fail('there is not one scale for each column')
  if (inputs[6] && String(inputs[6].shape) !== String([columns])) fail('the bias does not fit the columns')
  return { type: 'float32', shape: [...a.shape.slice(0, -1), columns] }
}

interface Sizes {
  K: number
  N: number
  block: number
}

/** A · Bᵀ, where B [N, K] is given in blocks along K, a scale for each. */
const blocked =
  (check: (context: RuleContext, sizes: Sizes) => void): Rule =>
  (context) => {
    const { integer, fail } = context
    const a = expect(context, 0, 'float32')
    const sizes = { K: integer('K', 0), N: integer('N', 0), block: integer('block_size', 0) }
    if (a.shape.at(-1) !== sizes.K) fail(`inner sizes ${a.shape.at(-1)} and ${sizes.K} differ`)
    check(context, sizes)
    return { type: 'float32', shape: [...a.shape.slice(0, -1), sizes.N] }
  }

const count = ({ shape }: Value): number => sizeOf(shape.map(Number))

/** Each column's blocks end with the column. */
const matMulNBits = blocked((context, { K, N, block }) => {
  const blocks = Math.ceil(K / block)
  if (count(expect(context, 1, 'uint8')) !== (N * blocks * block * context.integer('bits', 4)) / 8)
    context.fail('B does not fit its blocks')
  if (count(expect(context, 2, 'float32')) !== N * blocks) context.fail('there is not one scale for each block')
})

/** Blocks run through all of B. */
const matMulBnb4 = blocked((context, { K, N, block }) => {
  if (count(expect(context, 1, 'uint8')) !== Math.ceil((N * K) / 2)) context.fail('B does not fit its sizes')
  if (count(expect(context, 2, 'float32')) !== Math.ceil((N * K) / block))
    context.fail('there is not one largest value for each block')
})

export const quantized = {
  MatMulBnb4: matMulBnb4,
  MatMulIntegerToFloat: matMulIntegerToFloat,
  MatMulNBits: matMulNBits,
  QuantizeLinear: quantizeLinear,
} satisfies Record<string, Rule>

/** Operators of ONNX Runtime's own domain. */
export const CONTRIB_OPS: ReadonlySet<string> = new Set(['MatMulBnb4', 'MatMulIntegerToFloat', 'MatMulNBits'])
