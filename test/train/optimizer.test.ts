/** AdamW against the algorithm of the paper in plain loops, with clipping and weight decay. */
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { ADAMW_DEFAULTS, type AdamWState, adamW, globalNorm } from '../../src/train/optimizer.ts'

beforeAll(async () => {
  tf.enableProdMode() // else TF.js prints an advertisement for its native package
  await tf.setBackend('cpu')
})

const gradients = [
  [0.3, -0.4, 0, 1e-4],
  [-2, 1, 3, 1e-4],
  [0.1, 0.2, -0.5, 1e-4],
]
const start = [1, -2, 0.5, 0]
const learningRates = [0.1, 0.05, 0.01]

interface Settings {
  weightDecay: number
  maxGradientNorm: number
}

function run({ weightDecay, maxGradientNorm }: Settings): number[] {
  const zeros = start.map(() => 0)
  let state: AdamWState = { values: tf.tensor1d(start), m: tf.tensor1d(zeros), v: tf.tensor1d(zeros) }
  for (const [at, values] of gradients.entries()) {
    const gradient = tf.tensor1d(values)
    const scalars = {
      learningRate: tf.scalar(learningRates[at]!),
      step: tf.scalar(at + 1),
      gradientNorm: globalNorm([gradient]),
    }
    state = adamW(state, gradient, scalars, weightDecay, { ...ADAMW_DEFAULTS, maxGradientNorm })
  }
  return [...state.values.dataSync()]
}

/** Algorithm 2 of arXiv:1711.05101, number by number, with the gradients scaled to the largest norm before. */
function expected({ weightDecay, maxGradientNorm }: Settings): number[] {
  return start.map((first, index) => {
    let [value, m, v] = [first, 0, 0]
    for (const [at, all] of gradients.entries()) {
      const gradient = all[index]! * Math.min(1, maxGradientNorm / Math.hypot(...all))
      m = 0.9 * m + 0.1 * gradient
      v = 0.999 * v + 0.001 * gradient ** 2
      const [mHat, vHat] = [m / (1 - 0.9 ** (at + 1)), v / (1 - 0.999 ** (at + 1))]
      value -= learningRates[at]! * (mHat / (Math.sqrt(vHat) + 1e-8) + weightDecay * value)
    }
    return value
  })
}

describe('adamW', () => {
  it.each<[string, Settings]>([
    ['plain', { weightDecay: 0, maxGradientNorm: 1e9 }],
    ['with weight decay', { weightDecay: 0.1, maxGradientNorm: 1e9 }],
    ['with clipping', { weightDecay: 0, maxGradientNorm: 0.5 }],
    ['with both', { weightDecay: 0.1, maxGradientNorm: 0.5 }],
  ])('is the algorithm of the paper for three steps: %s', (_, settings) => {
    const reference = expected(settings)
    for (const [index, value] of run(settings).entries()) expect(value).toBeCloseTo(reference[index]!, 5)
  })

  it('does the first step as worked out by hand', () => {
    const one = (value: number) => tf.tensor1d([value])
    const scalars = { learningRate: tf.scalar(0.1), step: tf.scalar(1), gradientNorm: tf.scalar(4) }
    const options = { ...ADAMW_DEFAULTS, maxGradientNorm: 1 }
    const { values, m, v } = adamW({ values: one(2), m: one(0), v: one(0) }, one(4), scalars, 0.5, options)
    // The gradient is clipped to 1; m̂ = 1, v̂ = 1; 2 - 0.1 · (1 + 0.5 · 2) = 1.8
    expect([values, m, v].map((tensor) => tensor.dataSync()[0])).toEqual([
      expect.closeTo(1.8, 5),
      expect.closeTo(0.1, 6),
      expect.closeTo(0.001, 8),
    ])
  })

  it('leaves a value alone that has no gradient and no decay, and decays one that has', () => {
    const one = (value: number) => tf.tensor1d([value])
    const scalars = { learningRate: tf.scalar(0.1), step: tf.scalar(1), gradientNorm: tf.scalar(0) }
    const valueWith = (weightDecay: number) =>
      adamW({ values: one(2), m: one(0), v: one(0) }, one(0), scalars, weightDecay, ADAMW_DEFAULTS).values.dataSync()[0]
    expect(valueWith(0)).toBe(2)
    expect(valueWith(0.5)).toBeCloseTo(1.9, 6)
  })
})

describe('globalNorm', () => {
  it('is the length of all gradients as one vector', () => {
    expect(globalNorm([tf.tensor1d([3, 0]), tf.tensor1d([-4]), tf.tensor1d([12])]).dataSync()[0]).toBeCloseTo(13, 5)
  })
})
