/** Every mapped kernel gives in ONNX Runtime what TF.js' cpu backend gives. */
import * as tf from '@tensorflow/tfjs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { OnnxBackend } from '../../src/onnx/backend.ts'
import { kernels } from '../../src/onnx/kernels.ts'
import { composites } from '../../src/onnx/kernels/composites.ts'
import { describeInputs, runBothWays } from './compare.ts'
import type { Cases } from './kernels/cases.ts'
import { activations } from './kernels/activations.ts'
import { convolution } from './kernels/convolution.ts'
import { elementwise } from './kernels/elementwise.ts'
import { indexing } from './kernels/indexing.ts'
import { products } from './kernels/products.ts'
import { reductions } from './kernels/reductions.ts'
import { shapes } from './kernels/shapes.ts'
import { slicing } from './kernels/slicing.ts'

const cases: Cases = {
  ...elementwise,
  ...activations,
  ...reductions,
  ...shapes,
  ...slicing,
  ...indexing,
  ...products,
  ...convolution,
}

const emit = vi.spyOn(OnnxBackend.prototype, 'emit')
const emitted = () => new Set(emit.mock.calls.map(([kernel]) => kernel))

beforeAll(async () => {
  await tf.setBackend('cpu')
})
afterAll(() => emit.mockRestore())

describe.each(Object.entries(cases))('%s', (kernel, functions) => {
  const runs = functions.flatMap(({ fn, inputs }) => inputs.map((list) => ({ fn, list, name: describeInputs(list) })))
  it.each(runs)('$fn: $name', async ({ fn, list }) => {
    emit.mockClear()
    const { onnx, cpu } = await runBothWays(fn, list)
    expect(onnx).toEqual(cpu)
    expect(emitted()).toContain(kernel)
  })
})

describe('the table of kernels', () => {
  /** The model's composite ops are no TF.js kernels; the model's tests run them. */
  const mapped = Object.keys(kernels).filter((name) => !Object.hasOwn(composites, name))

  it('has a case for each kernel', () => {
    expect(mapped.filter((name) => !Object.hasOwn(cases, name))).toEqual([])
  })

  it('maps at least 60 kernels', () => {
    expect(mapped.length).toBeGreaterThanOrEqual(60)
  })
})
