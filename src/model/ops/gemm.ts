/** General matrix product, the op of every linear layer: alpha · A·B + C. */
import * as tf from '@tensorflow/tfjs'
import { composite } from '../composite.ts'

type GemmInputs = { a: tf.Tensor; b: tf.Tensor; c?: tf.Tensor }

interface GemmAttributes {
  alpha: number
  transposeA: boolean
  transposeB: boolean
  /** Rank of C (0: there is none). */
  addendRank: number
}

const run = composite<tf.NamedTensorMap, GemmAttributes>({
  name: 'Gemm',
  inputsToSave: ['a', 'b'],
  forward: ({ a, b, c }, { alpha, transposeA, transposeB }) => {
    if (!a || !b) throw new Error('Gemm needs two matrices')
    const product = tf.matMul(a, b, transposeA, transposeB)
    const scaled = alpha === 1 ? product : tf.mul(product, alpha)
    return c ? tf.add(scaled, c) : scaled
  },
  gradient: (dy, [a, b], { alpha, transposeA, transposeB, addendRank }) => {
    if (!a || !b) throw new Error('Gemm saved no inputs')
    if (transposeA) throw new Error('the gradient of a Gemm with a transposed first operand is not defined')
    return {
      a: () => gemm(dy, b, undefined, { alpha, transposeB: !transposeB }),
      b: () =>
        transposeB
          ? gemm(dy, a, undefined, { alpha, transposeA: true })
          : gemm(a, dy, undefined, { alpha, transposeA: true }),
      c: () => (addendRank === 1 ? tf.sum(dy, 0) : dy),
    }
  },
})

/**
 * alpha · A·B + C
 * @param a [n, k] ([k, n] with `transposeA`)
 * @param b [k, m] ([m, k] with `transposeB`)
 * @param c [m] or [n, m]
 * @returns [n, m]
 */
export function gemm(
  a: tf.Tensor,
  b: tf.Tensor,
  c?: tf.Tensor,
  { alpha = 1, transposeA = false, transposeB = false } = {},
): tf.Tensor2D {
  const inputs: GemmInputs = c ? { a, b, c } : { a, b }
  return run(inputs, { alpha, transposeA, transposeB, addendRank: c?.rank ?? 0 }) as tf.Tensor2D
}
