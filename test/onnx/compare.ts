/** Runs a TF.js function on TF.js' cpu backend and, traced, in ONNX Runtime, and expects the same from both. */
import * as tf from '@tensorflow/tfjs'
import * as ort from 'onnxruntime-node'
import { expect } from 'vitest'
import { createRandom } from '../../src/core/random.ts'
import { sizeOf } from '../../src/core/tensors.ts'
import type { Dim } from '../../src/onnx/dims.ts'
import type { Graph } from '../../src/onnx/graph.ts'
import { toOnnx, trace } from '../../src/onnx/index.ts'

/** Largest difference allowed: absolute up to 1, relative above. */
const TOLERANCE = 2e-5

/** What the symbolic sizes are in each run; a size of 1 brings wrong broadcasting to light. */
const RUNS = [
  { batch: 2, sequence: 5 },
  { batch: 3, sequence: 1 },
]
type Sizes = (typeof RUNS)[number]

type DType = 'float32' | 'int32' | 'bool'

/** An input of a case: given values, or uniform random ones from a range (integers below its end). */
export interface Input {
  shape: Dim[]
  dtype: DType
  range: readonly [number, number]
  values?: readonly number[]
}

export const f32 = (shape: Dim[], range: Input['range'] = [-2, 2]): Input => ({ shape, dtype: 'float32', range })
export const i32 = (shape: Dim[], range: Input['range'] = [-9, 10]): Input => ({ shape, dtype: 'int32', range })
export const bool = (shape: Dim[]): Input => ({ shape, dtype: 'bool', range: [0, 2] })
export const given = (values: readonly number[], dtype: DType = 'float32'): Input => ({
  shape: [values.length],
  dtype,
  range: [0, 0],
  values,
})

/** A function of tensors, in the order of the inputs. */
export type CaseFunction = (...tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[]

export const describeInputs = (inputs: readonly Input[]): string =>
  inputs.map(({ dtype, shape }) => `${dtype}[${shape.join(', ')}]`).join(', ')

/** A result of either side, in TF.js' terms. */
export interface Output {
  dtype: string
  shape: readonly number[]
  values: number[]
}

/** Traces a function, runs it both ways for each set of sizes, and compares types, shapes and values of all outputs. */
export async function expectSame(fn: CaseFunction, inputs: readonly Input[]): Promise<void> {
  const session = await ort.InferenceSession.create(toOnnx(await traceCase(fn, inputs)))
  const symbolic = inputs.some(({ shape }) => shape.some((dim) => typeof dim === 'string'))
  for (const sizes of symbolic ? RUNS : RUNS.slice(0, 1)) {
    const concreteInputs = inputs.map((input, at) => concrete(input, sizes, at))
    expectClose(await runOnnx(session, concreteInputs), runCpu(fn, concreteInputs))
  }
  await session.release()
}

/** Traces a function; inputs are named input_0, input_1, … */
export function traceCase(fn: CaseFunction, inputs: readonly Input[]): Promise<Graph> {
  const specs = inputs.map(({ shape, dtype }, at) => [`input_${at}`, { shape, dtype }] as const)
  return trace((tensors) => [fn(...Object.values(tensors))].flat(), Object.fromEntries(specs))
}

export function expectClose(actual: readonly Output[], expected: readonly Output[]): void {
  const signature = (outputs: readonly Output[]) => outputs.map(({ dtype, shape }) => `${dtype}[${shape.join(', ')}]`)
  expect(signature(actual)).toEqual(signature(expected))
  expected.forEach(({ values }, at) => {
    // Equal where close enough, so that a failure shows the other elements only.
    const rounded = values.map((value, index) => {
      const other = actual[at]?.values[index] ?? Number.NaN
      return isClose(other, value) ? value : other
    })
    expect(rounded).toEqual(values)
  })
}

const isClose = (a: number, b: number) => a === b || Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(b))

interface ConcreteInput {
  shape: number[]
  dtype: DType
  values: readonly number[]
}

function concrete({ shape, dtype, range: [from, to], values }: Input, sizes: Sizes, seed: number): ConcreteInput {
  const factorOf = (factor: string) => sizes[factor as keyof Sizes] ?? Number(factor)
  const numbers = shape.map((dim) => sizeOf(String(dim).split('*').map(factorOf)))
  const random = createRandom(seed)
  const draw = () => from + (to - from) * random.uniform()
  const round = dtype === 'float32' ? Math.fround : Math.floor
  return { shape: numbers, dtype, values: values ?? Array.from({ length: sizeOf(numbers) }, () => round(draw())) }
}

function runCpu(fn: CaseFunction, inputs: readonly ConcreteInput[]): Output[] {
  return tf.tidy(() => {
    const tensors = inputs.map(({ shape, dtype, values }) => tf.tensor([...values], shape, dtype))
    return [fn(...tensors)]
      .flat()
      .map((tensor) => ({ dtype: tensor.dtype, shape: tensor.shape, values: Array.from(tensor.dataSync(), Number) }))
  })
}

export async function runOnnx(session: ort.InferenceSession, inputs: readonly ConcreteInput[]): Promise<Output[]> {
  const results = await session.run(Object.fromEntries(inputs.map((input, at) => [`input_${at}`, toOrt(input)])))
  return session.outputNames.flatMap((name) => {
    const { type, dims, data } = results[name] ?? {}
    if (!type || !dims || !data) return []
    return [{ dtype: type === 'int64' ? 'int32' : type, shape: dims, values: Array.from(data as ArrayLike<number>, Number) }]
  })
}

function toOrt({ shape, dtype, values }: ConcreteInput): ort.Tensor {
  if (dtype === 'int32') return new ort.Tensor('int64', BigInt64Array.from(values, BigInt), shape)
  return new ort.Tensor(dtype, dtype === 'bool' ? Uint8Array.from(values) : Float32Array.from(values), shape)
}
