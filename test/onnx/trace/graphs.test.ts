/** Tracing: which graphs come out, which programs are refused, and what is left behind. */
import * as tf from '@tensorflow/tfjs'
import * as ort from 'onnxruntime-node'
import { beforeAll, describe, expect, it } from 'vitest'
import { type InputSpec, type TracedFunction, printGraph, toOnnx, trace } from '../../../src/onnx/index.ts'
import { f32, i32, runBothWays } from '../compare.ts'
import { X, get, ofX } from './program.ts'

beforeAll(async () => {
  await tf.setBackend('cpu')
})

const printed = async (fn: TracedFunction, inputs: Record<string, InputSpec>) => printGraph(await trace(fn, inputs))

describe('graphs', () => {
  it('computes a common subexpression once', async () => {
    expect(
      await printed(
        ofX((x) => tf.add(tf.exp(x), tf.neg(tf.exp(x)))),
        X,
      ),
    ).toMatchInlineSnapshot(`
      "graph(x: float32[batch, 3]) {
        %1: float32[batch, 3] = Exp(x)
        %2: float32[batch, 3] = Neg(%1)
        %3: float32[batch, 3] = Add(%1, %2)
        return output = %3
      }"
    `)
  })

  it('adds to a matrix product within it', async () => {
    const fn: TracedFunction = (inputs) =>
      tf.add(get(inputs, 'c'), tf.matMul(get(inputs, 'a'), get(inputs, 'b'), true, false))
    const inputs = { a: { shape: [3, 'batch'] }, b: { shape: [3, 2] }, c: { shape: ['batch', 2] } }
    expect(await printed(fn, inputs)).toMatchInlineSnapshot(`
      "graph(a: float32[3, batch], b: float32[3, 2], c: float32[batch, 2]) {
        %3: float32[batch, 2] = Gemm(a, b, c) {transA: 1, transB: 0}
        return output = %3
      }"
    `)
  })

  it('drops additions of zeros and products with ones', async () => {
    const fn = ofX((x) => tf.add(tf.mul(tf.onesLike(x), tf.tanh(x)), tf.zeros(x.shape)))
    expect(await printed(fn, X)).toMatchInlineSnapshot(`
      "graph(x: float32[batch, 3]) {
        %1: float32[batch, 3] = Tanh(x)
        return output = %1
      }"
    `)
  })

  it('drops what no output needs', async () => {
    const fn = ofX((x) => {
      tf.exp(x)
      return tf.sin(x)
    })
    expect(await printed(fn, X)).toMatchInlineSnapshot(`
      "graph(x: float32[batch, 3]) {
        %1: float32[batch, 3] = Sin(x)
        return output = %1
      }"
    `)
  })

  it('expands behind the operators on what was expanded', async () => {
    const fn = ofX((x) => tf.concat([tf.sqrt(tf.add(tf.fill(x.shape, 2), 1)), x]))
    expect(await printed(fn, X)).toMatchInlineSnapshot(`
      "graph(x: float32[batch, 3]) {
        %1: int64[1] = Shape(x) {start: 0, end: 1}
        %2: int64[2] = Concat(%1, int64[1]{3}) {axis: 0}
        %3: float32[] = Add(2, 1)
        %4: float32[] = Sqrt(%3)
        %5: float32[batch, 3] = Expand(%4, %2)
        %6: float32[2*batch, 3] = Concat(%5, x) {axis: 0}
        return output = %6
      }"
    `)
  })

  it('reshapes to symbolic sizes by 0 and -1', async () => {
    const fn = ofX((x) => tf.reshape(x, [x.shape[0] ?? 0, (x.shape[1] ?? 0) * 2, 4]))
    expect(await printed(fn, { x: { shape: ['batch', 'sequence', 8] } })).toMatchInlineSnapshot(`
      "graph(x: float32[batch, sequence, 8]) {
        %1: float32[batch, 2*sequence, 4] = Reshape(x, int64[3]{0 -1 4})
        return output = %1
      }"
    `)
  })

  it('computes a shape where these do not suffice', async () => {
    const fn = ofX((x) => tf.reshape(x, [x.shape[1] ?? 0, x.shape[0] ?? 0, 2, 4]))
    expect(await printed(fn, { x: { shape: ['batch', 'sequence', 8] } })).toMatchInlineSnapshot(`
      "graph(x: float32[batch, sequence, 8]) {
        %1: int64[1] = Shape(x) {start: 0, end: 1}
        %2: int64[4] = Concat(int64[1]{-1}, %1, int64[1]{2}, int64[1]{4}) {axis: 0}
        %3: float32[sequence, batch, 2, 4] = Reshape(x, %2)
        return output = %3
      }"
    `)
  })

  it('divides a mean by the size at run time', async () => {
    const { onnx, cpu } = await runBothWays((x) => tf.div(tf.sum(x), x.shape[0] ?? 0), [f32(['batch', 3])])
    expect(onnx).toEqual(cpu)
  })

  it('stores given constants under their names', async () => {
    const weights = new Map([['weight', { shape: [3, 1], data: Float32Array.of(1, 2, 3) }]])
    const graph = await trace((inputs) => tf.matMul(get(inputs, 'x'), get(inputs, 'weight')), X, { constants: weights })
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph(x: float32[batch, 3]) {
        %1: float32[batch, 1] = Gemm(x, weight) {transA: 0, transB: 0}
        return output = %1
      }"
    `)
  })
})

describe('fixed numbers that symbolic sizes have while tracing', () => {
  /** Of one run, of another, multiples, products and powers of them. */
  const NUMBERS = [11, 12, 13, 17, 18, 23, 34, 143, 17 * 19, 17 ** 2]

  it.each(NUMBERS)('%i as a size', async (size) => {
    const { onnx, cpu } = await runBothWays(
      (x, y) => tf.add(tf.mul(tf.matMul(x, y, false, true), size), tf.tile(tf.sum(y, 1), [1])),
      [f32(['batch', size], [0, 1]), f32([size, size], [0, 1])],
    )
    expect(onnx).toEqual(cpu)
  })

  it.each(NUMBERS)('%i as a factor of a reshape', async (size) => {
    const { onnx, cpu } = await runBothWays(
      (x) => [
        tf.reshape(x, [(x.shape[0] ?? 0) * (x.shape[1] ?? 0), size]),
        tf.reshape(x, [size, -1]),
        tf.reshape(tf.transpose(x, [2, 0, 1]), [-1, x.shape[1] ?? 0]),
      ],
      [f32(['batch', 'sequence', size])],
    )
    expect(onnx).toEqual(cpu)
  })

  it.each(NUMBERS)('%i as a depth, a number of copies, of segments, of rows of a table', async (size) => {
    const { onnx, cpu } = await runBothWays(
      (x, ids) => [
        tf.oneHot(ids as tf.Tensor1D, size),
        tf.tile(x, [1, size]),
        tf.unsortedSegmentSum(x, ids as tf.Tensor1D, size),
        tf.mul(tf.ones([size, 2]), size),
        tf.slice(tf.range(0, size), [0], [x.shape[0] ?? 0]),
        tf.mean(tf.tile(x, [size, 1])),
      ],
      [f32(['batch', 2]), i32(['batch'], [0, 9])],
    )
    expect(onnx).toEqual(cpu)
  })

  it('as constants', async () => {
    const fn = (x: tf.Tensor) =>
      NUMBERS.reduce<tf.Tensor>((sum, number) => tf.add(tf.mul(sum, 1 / number), tf.tensor1d([number, 2 * number])), x)
    const { onnx, cpu } = await runBothWays(fn, [f32(['batch', 2])])
    expect(onnx).toEqual(cpu)
  })
})

describe('symbolic sizes', () => {
  const sizesOf = (x: tf.Tensor) => [x.shape[0] ?? 0, x.shape[1] ?? 0] as const

  const programs: Record<string, (x: tf.Tensor) => tf.Tensor> = {
    'as numbers of a constant': (x) => tf.mul(x, tf.tensor3d([...sizesOf(x), 17, x.size], [4, 1, 1])),
    'as a divisor': (x) => tf.div(tf.sum(x), x.size),
    'as a divisor of a mean over them, and its gradient': (x) => tf.grad((y) => tf.mean(tf.square(y)))(x),
    'as a constant of their shape': (x) => tf.mul(x, tf.fill(x.shape, 13)),
    'as a depth': (x) =>
      tf.oneHot(tf.zerosLike(tf.cast(tf.mean(x, 1), 'int32')) as tf.Tensor1D, sizesOf(x)[1] + sizesOf(x)[1]),
    'as a number of copies': (x) => tf.tile(x, [sizesOf(x)[1], 2]),
    'as a number of segments': (x) =>
      tf.unsortedSegmentSum(x, tf.range(0, sizesOf(x)[0], 1, 'int32'), sizesOf(x)[0] * 3),
    'as a length': (x) => tf.slice(tf.range(0, 64), [0], [x.size]),
    'as a length of two axes': (x) => tf.slice(tf.ones([40, 50]), [0, 0], [...sizesOf(x)]),
    swapped: (x) => tf.reshape(x, [...sizesOf(x)].toReversed()),
  }
  it.each(Object.entries(programs))('%s', async (_, fn) => {
    const { onnx, cpu } = await runBothWays(fn, [f32(['batch', 'sequence'])])
    expect(onnx).toEqual(cpu)
  })
})

describe('outputs', () => {
  const run = async (fn: TracedFunction) => {
    const session = await ort.InferenceSession.create(toOnnx(await trace(fn, X)))
    const results = await session.run({ x: new ort.Tensor('float32', [1, 2, 3], [1, 3]) })
    return Object.fromEntries(session.outputNames.map((name) => [name, Array.from(results[name]?.data ?? [], Number)]))
  }

  it('are named after a record, in its order', async () => {
    expect(await run(ofX((x) => ({ double: tf.mul(x, 2), sum: tf.sum(x) })))).toEqual({ double: [2, 4, 6], sum: [6] })
  })

  it('are numbered for a list and `output` for one tensor', async () => {
    expect(await run(ofX((x) => [tf.neg(x), tf.sum(x)]))).toEqual({ output_0: [-1, -2, -3], output_1: [6] })
    expect(await run(ofX((x) => tf.neg(x)))).toEqual({ output: [-1, -2, -3] })
  })

  it('may be inputs, constants, or the same tensor twice', async () => {
    const fn = ofX((x) => {
      const sum = tf.sum(x)
      return { copy: x, constant: tf.tensor1d([4, 5]), sum, again: sum, x: tf.clone(x) }
    })
    expect(await run(fn)).toEqual({ copy: [1, 2, 3], constant: [4, 5], sum: [6], again: [6], x: [1, 2, 3] })
  })
})
