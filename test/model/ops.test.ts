/** The composite ops against plain loops in double precision, their gradients against central differences, and both traced. */
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createRandom } from '../../src/core/random.ts'
import { attention, attentionBias, causalAttention, paddingBias } from '../../src/model/ops/attention.ts'
import { binaryCrossEntropy } from '../../src/model/ops/binary-cross-entropy.ts'
import { crossEntropy } from '../../src/model/ops/cross-entropy.ts'
import { dropout } from '../../src/model/ops/dropout.ts'
import { gelu } from '../../src/model/ops/gelu.ts'
import { gemm } from '../../src/model/ops/gemm.ts'
import { logSumExp } from '../../src/model/ops/log-sum-exp.ts'
import { meanSquaredError } from '../../src/model/ops/mean-squared-error.ts'
import { layerNormalization } from '../../src/model/ops/layer-normalization.ts'
import { rmsNormalization } from '../../src/model/ops/rms-normalization.ts'
import { type Rotation, rotary, rotationOf } from '../../src/model/ops/rotary.ts'
import { silu } from '../../src/model/ops/silu.ts'
import { type CaseFunction, type Input, type Output, f32, i32, runBothWays } from '../onnx/compare.ts'
import {
  type Matrix,
  naiveAttention,
  naiveExactGelu,
  naiveGelu,
  naiveLayerNorm,
  naiveProduct,
  naiveRmsNorm,
  naiveRotation,
  naiveSilu,
  plus,
  times,
} from './naive-ops.ts'

beforeAll(async () => {
  tf.enableProdMode() // else TF.js prints an advertisement for its native package
  await tf.setBackend('cpu')
})

interface OpCase {
  op: CaseFunction
  /** The same in plain loops; vectors are matrices of one row. */
  naive(...inputs: Matrix[]): Matrix
  /** Those to differentiate by come first. */
  inputs: Input[]
  /** Number of inputs to differentiate by; all by default. */
  differentiable?: number
}

const layerNormCase = (epsilon: number): OpCase => ({
  op: (x, scale, bias) => layerNormalization(x!, scale!, bias!, epsilon),
  naive: (x, [scale], [bias]) => naiveLayerNorm(x, scale!, bias!, epsilon),
  inputs: [f32(['batch', 6]), f32([6]), f32([6])],
})

const rmsNormCase = (epsilon: number): OpCase => ({
  op: (x, scale) => rmsNormalization(x!, scale!, epsilon),
  naive: (x, [scale]) => naiveRmsNorm(x, scale!, epsilon),
  inputs: [f32(['batch', 6]), f32([6])],
})

const positions = (sequence: number) => tf.range(0, sequence, 1, 'int32')

/** The first token is always real: of a text without any, all positions would be attended to alike. */
const maskOf = (mask: tf.Tensor) =>
  tf.maximum(mask, tf.cast(tf.equal(tf.slice(positions(9), 0, mask.shape[1]), 0), 'float32')) as tf.Tensor2D

/** The same for the definition, a matrix of 0 and 1. */
const naiveMaskOf = (mask: Matrix): Matrix => mask.map(([, ...rest]) => [1, ...rest])

const positionsLike = (mask: tf.Tensor) => tf.slice(positions(9), 0, mask.shape[1]) as tf.Tensor1D

const causalCase = (heads: number, size: number): OpCase => ({
  op: (qkv, mask) => {
    const real = maskOf(tf.cast(mask!, 'float32'))
    return causalAttention(qkv as tf.Tensor2D, attentionBias(positionsLike(mask!), real), heads)
  },
  naive: (qkv, mask) => {
    const part = (which: number) => qkv.map((row) => row.slice(which * heads * size, (which + 1) * heads * size))
    const options = { heads, keyValueHeads: heads, causal: true }
    return naiveAttention([part(0), part(1), part(2)], naiveMaskOf(mask), options)
  },
  inputs: [f32(['batch*sequence', 3 * heads * size]), i32(['batch', 'sequence'], [0, 2])],
  differentiable: 1,
})

const FREQUENCIES = [1, 0.3]
const rotationLike = (mask: tf.Tensor): Rotation => rotationOf(positionsLike(mask), tf.tensor1d(FREQUENCIES))

interface AttentionCase {
  heads: number
  keyValueHeads: number
  causal: boolean
  rotated?: boolean
}

/** Heads of 4, so that a group of heads is no wider than all of the input's rows by chance. */
const attentionCase = ({ heads, keyValueHeads, causal, rotated = false }: AttentionCase): OpCase => ({
  op: (query, key, value, mask) => {
    const real = maskOf(tf.cast(mask!, 'float32'))
    const bias = causal ? attentionBias(positionsLike(mask!), real) : paddingBias(real)
    const rotation = rotated ? rotationLike(mask!) : undefined
    const [q, k, v] = [query, key, value] as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D]
    return attention(q, k, v, bias, { heads, keyValueHeads, rotation })
  },
  naive: (query, key, value, mask) =>
    naiveAttention([query, key, value], naiveMaskOf(mask), {
      heads,
      keyValueHeads,
      causal,
      ...(rotated && { angle: (position, pair) => position * FREQUENCIES[pair]! }),
    }),
  inputs: [
    f32(['batch*sequence', heads * 4]),
    f32(['batch*sequence', keyValueHeads * 4]),
    f32(['batch*sequence', keyValueHeads * 4]),
    i32(['batch', 'sequence'], [0, 2]),
  ],
  differentiable: 3,
})

/** The mask by its definition: fract(row · column) ≥ rate, in single precision as every engine computes it. */
function naiveDropout(x: Matrix, numbers: number[], rate: number): Matrix {
  const random = createRandom(7)
  const columns = x[0]!.map(() => Math.fround(1 + 1023 * random.uniform()))
  const isKept = (row: number, column: number) => {
    const product = Math.fround(numbers[row]! * columns[column]!)
    return product - Math.floor(product) >= rate
  }
  return x.map((values, row) => values.map((value, column) => (isKept(row, column) ? value / (1 - rate) : 0)))
}

const dropoutOp: CaseFunction = (x, rows) =>
  dropout(x as tf.Tensor2D, 0.4, { rows: rows as tf.Tensor2D, random: createRandom(7) })

const cases: Record<string, OpCase> = {
  'a matrix product': {
    op: (a, b) => gemm(a!, b!),
    naive: naiveProduct,
    inputs: [f32(['batch', 3]), f32([3, 4])],
  },
  'a scaled matrix product': {
    op: (a, b) => gemm(a!, b!, undefined, { alpha: 2.5 }),
    naive: (a, b) => times(naiveProduct(a, b), 2.5),
    inputs: [f32(['batch', 3]), f32([3, 4])],
  },
  'a matrix product with a bias': {
    op: (a, b, c) => gemm(a!, b!, c!),
    naive: (a, b, c) => plus(naiveProduct(a, b), c),
    inputs: [f32(['batch', 3]), f32([3, 4]), f32([4])],
  },
  'a scaled matrix product plus a matrix, which is not scaled': {
    op: (a, b, c) => gemm(a!, b!, c!, { alpha: 0.5 }),
    naive: (a, b, c) => plus(times(naiveProduct(a, b), 0.5), c),
    inputs: [f32(['batch', 3]), f32([3, 4]), f32(['batch', 4])],
  },
  'a product with a transposed matrix': {
    op: (a, b) => gemm(a!, b!, undefined, { transposeB: true }),
    naive: (a, b) => naiveProduct(a, transposed(b)),
    inputs: [f32(['batch', 3]), f32([4, 3])],
  },
  'a scaled product with a transposed matrix plus a bias': {
    op: (a, b, c) => gemm(a!, b!, c!, { alpha: -3, transposeB: true }),
    naive: (a, b, c) => plus(times(naiveProduct(a, transposed(b)), -3), c),
    inputs: [f32(['batch', 3]), f32([4, 3]), f32([4])],
  },
  GELU: { op: (x) => gelu(x!), naive: naiveGelu, inputs: [f32(['batch', 9], [-5, 5])] },
  'exact GELU': {
    op: (x) => gelu(x!, { approximate: 'none' }),
    naive: naiveExactGelu,
    inputs: [f32(['batch', 9], [-5, 5])],
  },
  SiLU: { op: (x) => silu(x!), naive: naiveSilu, inputs: [f32(['batch', 9], [-9, 9])] },
  'RMS normalization': rmsNormCase(1e-5),
  'RMS normalization with a large epsilon': rmsNormCase(0.3),
  'log Σ exp': {
    op: (x) => logSumExp(x as tf.Tensor2D),
    naive: (x) => [x.map((row) => Math.log(sum(row.map((value) => Math.exp(value)))))],
    inputs: [f32(['batch', 5], [-9, 9])],
  },
  'layer normalization': layerNormCase(1e-5),
  'layer normalization with a large epsilon': layerNormCase(0.3),
  'dropout of every token': {
    op: dropoutOp,
    naive: (x, rows) => naiveDropout(x, rows.flat(), 0.4),
    inputs: [f32(['batch*sequence', 5]), f32(['batch', 'sequence'], [0, 1])],
    differentiable: 1,
  },
  'dropout of one token of each text': {
    op: dropoutOp,
    naive: (x, rows) =>
      naiveDropout(
        x,
        rows.map(([first]) => first!),
        0.4,
      ),
    inputs: [f32(['batch', 5]), f32(['batch', 'sequence'], [0, 1])],
    differentiable: 1,
  },
  'causal attention of one head': causalCase(1, 2),
  'causal attention of three heads': causalCase(3, 2),
  'attention over all real tokens': attentionCase({ heads: 3, keyValueHeads: 3, causal: false }),
  'causal attention of separate queries, keys and values': attentionCase({ heads: 2, keyValueHeads: 2, causal: true }),
  'attention of groups of heads': attentionCase({ heads: 6, keyValueHeads: 2, causal: true }),
  'attention of one group over all real tokens': attentionCase({ heads: 3, keyValueHeads: 1, causal: false }),
  'attention of turned queries and keys': attentionCase({ heads: 4, keyValueHeads: 2, causal: true, rotated: true }),
  'rotary embedding': {
    op: (x, mask) => rotary(x as tf.Tensor4D, rotationLike(mask!)),
    naive: (x, mask) => x.map((row, at) => naiveRotation(row, (pair) => (at % mask[0]!.length) * FREQUENCIES[pair]!)),
    inputs: [f32(['batch', 3, 'sequence', 4]), i32(['batch', 'sequence'], [0, 2])],
    differentiable: 1,
  },
  'cross-entropy': {
    op: (logits, labels) => crossEntropy(logits as tf.Tensor2D, labels as tf.Tensor1D),
    naive: (logits, [labels]) => {
      const losses = logits.map((row, at) => Math.log(sum(row.map((x) => Math.exp(x)))) - row[labels![at]!]!)
      return [[sum(losses) / losses.length]]
    },
    inputs: [f32(['batch', 3], [-5, 5]), i32(['batch'], [0, 3])],
    differentiable: 1,
  },
  'binary cross-entropy': {
    op: (logits, labels) => binaryCrossEntropy(logits as tf.Tensor2D, labels as tf.Tensor2D),
    naive: (logits, labels) => {
      const losses = logits.flatMap((row, at) => row.map((x, id) => Math.log(1 + Math.exp(x)) - x * labels[at]![id]!))
      return [[sum(losses) / losses.length]]
    },
    inputs: [f32(['batch', 3], [-5, 5]), f32(['batch', 3], [0, 1])],
    differentiable: 1,
  },
  'mean squared error': {
    op: (logits, numbers) => meanSquaredError(logits as tf.Tensor2D, numbers as tf.Tensor1D),
    naive: (logits, [numbers]) => [[sum(logits.map(([x], at) => (x! - numbers![at]!) ** 2)) / logits.length]],
    inputs: [f32(['batch', 1], [-5, 5]), f32(['batch'], [-5, 5])],
    differentiable: 1,
  },
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
const transposed = (matrix: Matrix): Matrix => matrix[0]!.map((_, column) => matrix.map((row) => row[column]!))

/** What is differentiated: every element of the result weighs differently, so that no gradient is right by symmetry. */
const weigh = (x: tf.Tensor): tf.Scalar => tf.sum(tf.mul(x, tf.sin(tf.add(x, 1))))
const naiveWeigh = (matrix: Matrix) => sum(matrix.flat().map((x) => x * Math.sin(x + 1)))

/** The op's result, its gradients, and the inputs themselves. */
const withGradients =
  ({ op, inputs, differentiable = inputs.length }: OpCase): CaseFunction =>
  (...tensors) => {
    const rest = tensors.slice(differentiable)
    const loss = (...xs: tf.Tensor[]) => weigh([op(...xs, ...rest)].flat()[0]!)
    return [op(...tensors), tf.grads(loss)(tensors.slice(0, differentiable)), tensors].flat()
  }

const toMatrix = ({ shape, values }: Output): Matrix => {
  const width = shape.at(-1) ?? 1
  return Array.from({ length: values.length / width }, (_, row) => values.slice(row * width, (row + 1) * width))
}

/** d weigh(naive) / d inputs[at], by central differences. */
function centralDifferences({ naive }: OpCase, inputs: Matrix[], at: number): Matrix {
  const step = 1e-5
  const lossWith = (row: number, column: number, change: number) => {
    const changed = structuredClone(inputs)
    changed[at]![row]![column]! += change
    return naiveWeigh(naive(...changed))
  }
  return inputs[at]!.map((values, row) =>
    values.map((_, column) => (lossWith(row, column, step) - lossWith(row, column, -step)) / (2 * step)),
  )
}

/** The largest difference: absolute up to 1, relative above; infinite for other shapes. */
function largestError(found: Matrix, expected: Matrix): number {
  const sizes = (matrix: Matrix) => String(matrix.map(({ length }) => length))
  if (sizes(found) !== sizes(expected)) return Infinity
  const reference = expected.flat()
  return Math.max(...found.flat().map((x, at) => Math.abs(x - reference[at]!) / Math.max(1, Math.abs(reference[at]!))))
}

describe.each(Object.entries(cases))('%s', (_, testCase) => {
  const { inputs, naive, differentiable = inputs.length } = testCase
  let results: Awaited<ReturnType<typeof runBothWays>>
  beforeAll(async () => void (results = await runBothWays(withGradients(testCase), inputs)))

  it('has the values of its definition', () => {
    for (const [output, ...others] of results.cpu) {
      const matrices = others.slice(differentiable).map(toMatrix)
      expect(largestError(toMatrix(output!), naive(...matrices))).toBeLessThan(1e-5)
    }
  })

  it('has its gradients', () => {
    for (const [, ...others] of results.cpu) {
      const matrices = others.slice(differentiable).map(toMatrix)
      for (const [at, gradient] of others.slice(0, differentiable).entries()) {
        expect(largestError(toMatrix(gradient), centralDifferences(testCase, matrices, at))).toBeLessThan(1e-4)
      }
    }
  })

  it('is the same traced', () => {
    expect(results.onnx).toEqual(results.cpu)
  })
})
