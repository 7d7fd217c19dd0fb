/** What a trace leaves behind, and traces at the same time. */
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { trace } from '../../../src/onnx/index.ts'
import { given, runBothWays } from '../compare.ts'
import { X, ofX } from './program.ts'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

describe('what is left behind', () => {
  it('is the backend of before, and no tensor', async () => {
    const before = tf.memory().numTensors
    await trace(
      ofX((x) => tf.softmax(tf.add(x, tf.ones([3])))),
      X,
    )
    expect(tf.getBackend()).toBe('cpu')
    expect(tf.memory().numTensors).toBe(before)
  })

  it('is the same after an error', async () => {
    const before = tf.memory().numTensors
    await expect(
      trace(
        ofX((x) => tf.cumprod(tf.exp(x), 1)),
        X,
      ),
    ).rejects.toThrow('Cumprod')
    await expect(
      trace(
        ofX((x) => {
          throw new Error(`mine ${x.rank}`)
        }),
        X,
      ),
    ).rejects.toThrow('mine 2')
    expect(tf.getBackend()).toBe('cpu')
    expect(tf.memory().numTensors).toBe(before)
  })

  it('is a layers model that still runs, whose weights were stored in the graph', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.embedding({ inputDim: 9, outputDim: 4, inputLength: 5 }),
        tf.layers.layerNormalization(),
        tf.layers.flatten(),
        tf.layers.dense({ units: 2, activation: 'softmax' }),
      ],
    })
    const ids = given([1, 2, 3, 4, 8, 0, 2, 2, 1, 7], 'int32')
    const before = tf.memory().numTensors
    // Run on cpu, traced, and on cpu again.
    const fn = (x: tf.Tensor) => model.apply(tf.reshape(x, [-1, 5])) as tf.Tensor
    for (let time = 0; time < 2; time++) {
      const { onnx, cpu } = await runBothWays(fn, [ids])
      expect(onnx).toEqual(cpu)
    }
    expect(tf.memory().numTensors).toBe(before)
    const weight = model.getWeights()[0]
    expect(weight?.dataSync().length).toBe(36)
    model.dispose()
  })
})

describe('traces at the same time', () => {
  it('do not mix, and leave the backend as it was', async () => {
    await tf.setBackend('cpu')
    const spec = { x: { shape: ['n', 2] } }
    const [relu, neg] = await Promise.all([trace(({ x }) => tf.relu(x!), spec), trace(({ x }) => tf.neg(x!), spec)]) // x is declared
    expect([relu, neg].map(({ nodes }) => nodes.map(({ op }) => op))).toEqual([['Relu'], ['Neg']])
    expect(tf.getBackend()).toBe('cpu')
  })
})
