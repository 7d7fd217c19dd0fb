/** The ops give what PyTorch and transformers give (test/interop/ops.py wrote it), run by TF.js and traced. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs'
import * as ort from 'onnxruntime-node'
import { beforeAll, describe, expect, it } from 'vitest'
import { type ActivationName, activations } from '../../src/model/ops/activations.ts'
import { attention, attentionBias, paddingBias } from '../../src/model/ops/attention.ts'
import { rmsNormalization } from '../../src/model/ops/rms-normalization.ts'
import { rotary, rotationOf } from '../../src/model/ops/rotary.ts'
import { toOnnx, trace } from '../../src/onnx/index.ts'

beforeAll(async () => {
  tf.enableProdMode()
  await tf.setBackend('cpu')
})

interface Numbers {
  shape: number[]
  values: number[]
}

interface Options {
  epsilon: number
  theta: number | null
  heads: number
  keyValueHeads: number
  causal: boolean
  mask: number[][]
}

interface GoldenCase {
  name: string
  options: Options
  inputs: Record<string, Numbers>
  weight: Numbers
  result: Numbers
  gradients: Record<string, Numbers>
}

type Op = (inputs: tf.Tensor[], options: Options) => tf.Tensor

const rotationFor = (sequence: number, size: number, theta: number) => {
  const frequencies = Array.from({ length: size / 2 }, (_, pair) => theta ** ((-2 * pair) / size))
  return rotationOf(tf.range(0, sequence, 1, 'int32'), tf.tensor1d(frequencies))
}

const runAttention: Op = (inputs, { heads, keyValueHeads, causal, mask, theta }) => {
  const [query, key, value] = inputs as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D]
  const real = tf.tensor2d(mask, undefined, 'float32')
  const bias = causal ? attentionBias(tf.range(0, real.shape[1], 1, 'int32'), real) : paddingBias(real)
  const rotation = theta === null ? undefined : rotationFor(real.shape[1], query.shape[1] / heads, theta)
  return attention(query, key, value, bias, { heads, keyValueHeads, rotation })
}

const runRotary: Op = ([x], { theta }) => {
  const [, , sequence, size] = x!.shape
  return rotary(x as tf.Tensor4D, rotationFor(sequence!, size!, theta!))
}

const ops: Record<string, Op> = {
  ...Object.fromEntries(
    Object.keys(activations).map((name): [string, Op] => [
      name,
      ([x]) => activations[name as ActivationName](x as tf.Tensor2D),
    ]),
  ),
  'rms normalization': ([x, scale], { epsilon }) => rmsNormalization(x!, scale!, epsilon),
  rotary: runRotary,
  encoder: runAttention,
  decoder: runAttention,
  groups: runAttention,
}

const cases = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'interop', 'golden', 'ops.json'), 'utf8'),
) as GoldenCase[]

/** The result, and the gradients of the sum of result · weight. */
function withGradients({ name, options, weight }: GoldenCase, inputs: tf.Tensor[]): tf.Tensor[] {
  const run = (...tensors: tf.Tensor[]) => ops[name]!(tensors, options)
  const weights = tf.tensor(weight.values, weight.shape)
  return [run(...inputs), ...tf.grads((...tensors) => tf.sum(tf.mul(run(...tensors), weights)))(inputs)]
}

function eagerly(testCase: GoldenCase): ArrayLike<number>[] {
  const inputs = Object.values(testCase.inputs).map(({ shape, values }) => tf.tensor(values, shape))
  return tf.tidy(() => withGradients(testCase, inputs).map((tensor) => tensor.dataSync()))
}

async function traced(testCase: GoldenCase): Promise<ArrayLike<number>[]> {
  const specs = Object.fromEntries(Object.entries(testCase.inputs).map(([name, { shape }]) => [name, { shape }]))
  const graph = await trace((inputs) => withGradients(testCase, Object.values(inputs)), specs)
  const session = await ort.InferenceSession.create(toOnnx(graph))
  const feeds = Object.entries(testCase.inputs).map(([name, { shape, values }]) => [
    name,
    new ort.Tensor('float32', values, shape),
  ])
  const results = await session.run(Object.fromEntries(feeds))
  await session.release()
  return session.outputNames.map((name) => results[name]!.data as Float32Array)
}

/** GELU by tanh is rounded twice (PyTorch's too), and ONNX Runtime's sigmoid is an approximation. */
const toleranceOf = (name: string) => (/^gelu_|silu/.test(name) ? 2e-6 : 1e-6)

/** The largest difference: absolute up to 1, relative above. */
const largestError = (found: ArrayLike<number>, { values }: Numbers) => {
  expect(found.length).toBe(values.length)
  return Math.max(...values.map((value, at) => Math.abs(found[at]! - value) / Math.max(1, Math.abs(value))))
}

it('has a case for every activation', () => {
  expect(cases.map(({ name }) => name)).toEqual(Object.keys(ops))
})

describe.each(cases.map((testCase) => [testCase.name, testCase] as const))('%s', (name, testCase) => {
  const expected = [testCase.result, ...Object.values(testCase.gradients)]

  it.each([
    ['run by TF.js', eagerly],
    ['traced', traced],
  ])('%s', async (_, run) => {
    const found = await run(testCase)
    expect(found.length).toBe(expected.length)
    for (const [at, values] of found.entries())
      expect(largestError(values, expected[at]!)).toBeLessThan(toleranceOf(name))
  })
})
