/** Cases of arithmetic, comparison, logic and activations. */
import * as tf from '@tensorflow/tfjs'
import { given } from '../compare.ts'
import { type Cases, SPECIAL, TIES, binary, bool, f32, few, i32, unary, within } from './cases.ts'

const positive = within(0.1, 3)
const inside = within(-0.9, 0.9)
const nonZero = (shape: Parameters<typeof f32>[0]) => i32(shape, [1, 5])
const negative = (shape: Parameters<typeof f32>[0]) => i32(shape, [-5, 0])

export const elementwise: Cases = {
  Abs: unary(tf.abs, f32, i32),
  Acos: unary(tf.acos, inside),
  Acosh: unary(tf.acosh, within(1.1, 4)),
  Asin: unary(tf.asin, inside),
  Asinh: unary(tf.asinh),
  Atan: unary(tf.atan),
  Atanh: unary(tf.atanh, inside),
  Ceil: [...unary(tf.ceil, within(-5, 5)), { fn: tf.ceil, inputs: [[given(TIES)]] }],
  Cos: unary(tf.cos),
  Cosh: unary(tf.cosh),
  Erf: unary(tf.erf),
  Exp: unary(tf.exp, f32, i32),
  Expm1: [...unary(tf.expm1), { fn: tf.expm1, inputs: [[given([1e-6, -1e-6, 0, 10])]] }],
  Floor: [...unary(tf.floor, within(-5, 5)), { fn: tf.floor, inputs: [[given(TIES)]] }],
  Identity: unary(tf.clone, f32, i32, bool),
  IsFinite: [...unary(tf.isFinite), { fn: tf.isFinite, inputs: [[SPECIAL]] }],
  IsInf: [...unary(tf.isInf), { fn: tf.isInf, inputs: [[SPECIAL]] }],
  IsNan: [...unary(tf.isNaN), { fn: tf.isNaN, inputs: [[SPECIAL]] }],
  Log: unary(tf.log, positive),
  Log1p: unary(tf.log1p, positive),
  LogicalNot: unary(tf.logicalNot, bool),
  Neg: unary(tf.neg, f32, i32),
  Reciprocal: unary(tf.reciprocal, positive),
  Round: [...unary(tf.round, within(-5, 5), i32), { fn: tf.round, inputs: [[given(TIES)]] }],
  Rsqrt: unary(tf.rsqrt, positive),
  Sign: [...unary(tf.sign, f32, i32), { fn: tf.sign, inputs: [[given(TIES)]] }],
  Sin: unary(tf.sin),
  Sinh: unary(tf.sinh),
  Sqrt: unary(tf.sqrt, positive),
  Square: unary(tf.square, f32, i32),
  Tan: unary(tf.tan, inside),

  Add: binary(tf.add, [f32, f32], [i32, i32], [f32, i32], [bool, f32]),
  AddN: [
    { fn: (a, b, c) => tf.addN([a, b, c]), inputs: [[f32(['batch', 3]), f32(['batch', 3]), f32(['batch', 3])]] },
    { fn: (a) => tf.addN([a]), inputs: [[f32([2])], [i32([2])]] },
  ],
  Atan2: [
    ...binary(tf.atan2),
    { fn: tf.atan2, inputs: [[given([0, 0, 1, -1, 1, -1, -1]), given([1, -1, 0, 0, -1, -1, 1])]] },
  ],
  BitwiseAnd: binary(tf.bitwiseAnd as typeof tf.add, [i32, i32]).map(({ fn, inputs }) => ({
    fn,
    // TF.js wants equal shapes here.
    inputs: inputs.filter(([a, b]) => String(a?.shape) === String(b?.shape)),
  })),
  Equal: binary(tf.equal, [few, few], [f32, few], [bool, bool]),
  FloorDiv: [
    ...binary(tf.floorDiv, [f32, positive], [i32, nonZero], [i32, negative]),
    { fn: tf.floorDiv, inputs: [[given([2 ** 25 + 1, 2 ** 30 - 1, -7], 'int32'), given([1, 3, 7], 'int32')]] },
  ],
  Greater: binary(tf.greater, [f32, f32], [few, few], [bool, bool]),
  GreaterEqual: binary(tf.greaterEqual, [f32, f32], [few, few]),
  Less: binary(tf.less, [f32, f32], [few, few]),
  LessEqual: binary(tf.lessEqual, [f32, f32], [few, few]),
  LogicalAnd: binary(tf.logicalAnd, [bool, bool]),
  LogicalOr: binary(tf.logicalOr, [bool, bool]),
  Maximum: binary(tf.maximum, [f32, f32], [i32, i32], [bool, bool]),
  Minimum: binary(tf.minimum, [f32, f32], [i32, i32]),
  Mod: [
    ...binary(tf.mod, [within(-9, 9), positive], [i32, nonZero], [i32, negative]),
    { fn: tf.mod, inputs: [[given([7, -7, 7, -7, 6, -6, 5.5]), given([3, 3, -3, -3, -3, 3, -2])]] },
  ],
  Multiply: binary(tf.mul, [f32, f32], [i32, i32], [bool, f32]),
  NotEqual: binary(tf.notEqual, [few, few], [bool, bool]),
  Pow: [
    ...binary(tf.pow, [positive, f32], [few, nonZero]),
    { fn: tf.pow, inputs: [[given([-2, -2, 0, 0, -8]), given([3, 2, 0, 2, 1 / 3])]] },
  ],
  RealDiv: [
    ...binary(tf.div, [f32, positive]),
    { fn: tf.div, inputs: [[given([1, -1, 0]), given([0, 0, 0])]] },
    { fn: (a, b) => tf.div(tf.cast(a, 'float32'), b), inputs: [[i32(['batch', 2]), nonZero([2])]] },
  ],
  SquaredDifference: binary(tf.squaredDifference, [f32, f32], [i32, i32]),
  Sub: binary(tf.sub, [f32, f32], [i32, i32]),

  Cast: [
    ...unary((x) => tf.cast(x, 'int32'), within(-5, 5), bool),
    ...unary((x) => tf.cast(x, 'float32'), i32, bool),
    ...unary((x) => tf.cast(x, 'bool'), few, f32),
    { fn: (x) => tf.cast(x, 'int32'), inputs: [[given(TIES)]] },
  ],
  ClipByValue: [
    ...unary((x) => tf.clipByValue(x, -1, 1)),
    ...unary((x) => tf.clipByValue(x, -3, 4), i32),
    { fn: (x) => tf.clipByValue(x, -Infinity, 1), inputs: [[f32([5])]] },
  ],
  Select: [
    {
      fn: (condition, a, b) => tf.where(condition, a, b),
      inputs: [
        [bool([]), f32([]), f32([])],
        [bool(['batch', 3]), f32(['batch', 3]), f32(['batch', 3])],
        [bool(['batch', 1]), f32(['batch', 'sequence']), f32([])],
        [bool(['batch']), f32(['sequence', 'batch']), f32(['sequence', 'batch'])],
        [bool([3, 1]), i32([4]), i32([3, 1])],
        [bool([3]), bool([3]), bool([3])],
        [bool([0, 2]), f32([0, 2]), f32([0, 2])],
      ],
    },
  ],
}
