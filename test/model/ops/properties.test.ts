/** What the composite ops promise beside their values: no gradient where there is none, shares that drop out, causality. */
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createRandom } from '../../../src/core/random.ts'
import { attentionBias, causalAttention } from '../../../src/model/ops/attention.ts'
import { dropout } from '../../../src/model/ops/dropout.ts'
import { gemm } from '../../../src/model/ops/gemm.ts'
import type { Matrix } from '../naive-ops.ts'

beforeAll(async () => {
  tf.enableProdMode() // else TF.js prints an advertisement for its native package
  await tf.setBackend('cpu')
})

describe('gemm', () => {
  it('takes a transposed first operand, but has no gradient then', () => {
    const [a, b] = [tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([1, 0, 2, 1], [2, 2])]
    const product = (x: tf.Tensor) => gemm(x, b, undefined, { transposeA: true })
    expect(product(a).arraySync()).toEqual([
      [7, 3],
      [10, 4],
    ])
    expect(() => tf.grad(product)(a)).toThrow('is not defined')
  })
})

describe('dropout', () => {
  let x: tf.Tensor2D
  beforeAll(() => void (x = tf.ones([200, 50])))
  const source = (seed: number) => {
    const random = createRandom(seed)
    return { rows: tf.tensor2d(Float32Array.from({ length: 200 }, random.uniform), [4, 50]), random: createRandom(7) }
  }

  it('changes nothing at rate 0 or without random numbers', () => {
    expect(dropout(x, 0, source(1))).toBe(x)
    expect(dropout(x, 0.5, undefined)).toBe(x)
  })

  it.each([0.1, 0.5, 0.9])('drops a share of %d and keeps the mean', (rate) => {
    const values = dropout(x, rate, source(1)).dataSync()
    const dropped = values.filter((value) => value === 0).length / values.length
    expect(Math.abs(dropped - rate)).toBeLessThan(0.02)
    expect(new Set(values)).toEqual(new Set([0, Math.fround(1 / (1 - rate))]))
  })

  it('drops other elements in each row, each step and each place of use', () => {
    const places = source(1)
    const masks = [dropout(x, 0.5, places), dropout(x, 0.5, places), dropout(x, 0.5, source(2))]
    const agreement = (a: tf.Tensor, b: tf.Tensor) => tf.mean(tf.cast(tf.equal(a, b), 'float32')).dataSync()[0]
    const [first, second, otherStep] = masks as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D]
    expect(agreement(first, second)).toBeCloseTo(0.5, 1)
    expect(agreement(first, otherStep)).toBeCloseTo(0.5, 1)
    expect(agreement(tf.slice(first, 0, 100), tf.slice(first, 100, 100))).toBeCloseTo(0.5, 1)
  })
})

describe('causalAttention', () => {
  it('gives earlier tokens the same whatever comes later', () => {
    const random = createRandom(3)
    const rows = Array.from({ length: 5 }, () => Array.from({ length: 12 }, random.normal))
    const bias = attentionBias(tf.tensor1d([0, 1, 2, 3, 4], 'int32'), tf.ones([1, 5]))
    const run = (qkv: Matrix) => causalAttention(tf.tensor2d(qkv), bias, 2).arraySync()
    const changed = run([...rows.slice(0, 3), rows[4]!, rows[3]!])
    expect(changed.slice(0, 3)).toEqual(run(rows).slice(0, 3))
    expect(changed[3]).not.toEqual(run(rows)[3])
  })
})
