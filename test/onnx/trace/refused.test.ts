/** What cannot be traced is refused, with the op that asked for it. */
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { type TracedFunction, trace } from '../../../src/onnx/index.ts'
import { X, ofX } from './program.ts'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

describe('refused', () => {
  const refusal = (fn: TracedFunction, inputs = X) => trace(fn, inputs).catch((error: unknown) => error)

  it('a slice beyond the end of a fixed axis', async () => {
    const error = await refusal(ofX((x) => tf.slice(x, [0, 1], [-1, 3])))
    expect(error).toMatchObject({ code: 'trace', message: '3 elements from 1 on go beyond an axis of 3' })
  })

  it('an unmapped kernel, by its name and the op that called it', async () => {
    const error = await refusal(ofX((x) => tf.cumprod(x, 1)))
    expect(error).toMatchObject({ name: 'GraftError', code: 'trace-kernel', value: 'Cumprod' })
    expect(String(error)).toMatchInlineSnapshot(
      `"GraftError: the TF.js kernel Cumprod, called by tf.cumprod, has no ONNX mapping"`,
    )
  })

  const reads: Record<string, (x: tf.Tensor) => tf.Tensor> = {
    dataSync: (x) => tf.mul(x, x.dataSync()[0] ?? 0),
    arraySync: (x) => tf.tensor(x.arraySync()),
    print: (x) => {
      x.print()
      return x
    },
    'bool as a condition': (x) => (tf.any(tf.greater(x, 0)).dataSync()[0] ? x : tf.neg(x)),
  }
  it.each(Object.entries(reads))('reading values: %s', async (_, fn) => {
    expect(await refusal(ofX(fn))).toMatchObject({ name: 'GraftError', code: 'trace-read' })
  })

  it('reading values later: data()', async () => {
    let data: Promise<unknown> | undefined
    await trace(
      ofX((x) => {
        const y = tf.neg(x)
        data ??= y.data().catch((error: unknown) => error)
        return y
      }),
      X,
    )
    expect(await data).toMatchObject({ code: 'trace-read' })
  })

  const dependencies: Record<string, (x: tf.Tensor) => tf.Tensor> = {
    'a constant of symbolic shape with different values': (x) =>
      tf.add(
        x,
        tf.tensor2d(
          Array.from({ length: x.size }, (_, at) => at),
          x.shape as [number, number],
        ),
      ),
    'a sum of sizes': (x) => tf.concat([x, tf.zeros([1, 3])]),
    'a size in a formula': (x) => tf.mul(x, Math.sqrt(x.shape[0] ?? 0)),
    'a size minus a number': (x) => tf.slice(x, [2, 0]),
    'a size that is a sum': (x) => tf.add(tf.sum(x), tf.ones([(x.shape[0] ?? 0) + 1])),
    'a size rounded up': (x) => tf.add(tf.sum(x), tf.range(0, Math.ceil((x.shape[0] ?? 0) / 8) * 8)),
    'half of a size': (x) => tf.tile(x, [1, Math.ceil((x.shape[0] ?? 0) / 2)]),
    'a size that decides': (x) => ((x.shape[0] ?? 0) % 2 ? tf.exp(x) : tf.neg(x)),
    'a size that decides on a tensor': (x) => tf.mul(tf.neg(x), (x.shape[0] ?? 0) > 15 ? tf.exp(x) : tf.neg(x)),
    'a size in an attribute': (x) =>
      tf.pad(x, [
        [0, 0],
        [0, x.shape[0] ?? 0],
      ]),
    'a position counted from a symbolic end': (x) => tf.slice(x, [(x.shape[0] ?? 0) - 1, 0]),
    'another number of operators': (x) => tf.addN(Array.from({ length: x.shape[0] ?? 0 }, () => tf.exp(x))),
  }
  it.each(Object.entries(dependencies))('%s', async (_, fn) => {
    expect(await refusal(ofX(fn))).toMatchObject({ name: 'GraftError', code: 'trace' })
  })

  it('text, and tensors of another trace', async () => {
    expect(await refusal(ofX(() => tf.tensor(['a'])))).toMatchObject({ code: 'trace' })
    let kept: tf.Tensor | undefined
    const fn = ofX((x) => {
      kept ??= tf.keep(tf.neg(x))
      return tf.add(x, kept)
    })
    expect(await refusal(fn)).toMatchObject({ code: 'trace', message: expect.stringContaining('another trace') })
    kept?.dispose()
  })

  it('an output with the name of an input', async () => {
    const error = await refusal(ofX((x) => ({ x: tf.neg(x) })))
    expect(error).toMatchObject({ code: 'trace', message: 'two tensors are named "x"' })
  })

  it('an operator on a traced tensor after the trace', async () => {
    let kept: tf.Tensor | undefined
    await trace(
      ofX((x) => {
        kept ??= tf.keep(tf.neg(x))
        return tf.neg(x)
      }),
      X,
    )
    expect(() => kept?.add(1)).toThrow(expect.objectContaining({ name: 'GraftError' }))
    kept?.dispose()
  })
})
