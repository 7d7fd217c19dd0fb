/** Runs a TF.js function on TF.js' cpu backend and, traced, in ONNX Runtime, to compare what comes out. */
import * as tf from '@tensorflow/tfjs'
import * as ort from 'onnxruntime-node'
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

/**
 * Traces a function and runs it both ways for each set of sizes. Values of ONNX Runtime that are close enough are
 * given as cpu's, so that the two may be compared for equality, and a failure shows what differs only.
 */
export async function runBothWays(fn: CaseFunction, inputs: readonly Input[]) {
  const session = await ort.InferenceSession.create(toOnnx(await traceCase(fn, inputs)))
  const symbolic = inputs.some(({ shape }) => shape.some((dim) => typeof dim === 'string'))
  const runs: { onnx: Output[]; cpu: Output[] }[] = []
  for (const sizes of symbolic ? RUNS : RUNS.slice(0, 1)) {
    const concreteInputs = inputs.map((input, at) => concrete(input, sizes, at))
    const cpu = runCpu(fn, concreteInputs)
    runs.push({ cpu, onnx: snapped(await runOnnx(session, concreteInputs), cpu) })
  }
  await session.release()
  return { onnx: runs.map(({ onnx }) => onnx), cpu: runs.map(({ cpu }) => cpu) }
}

/** Traces a function; inputs are named input_0, input_1, … */
function traceCase(fn: CaseFunction, inputs: readonly Input[]): Promise<Graph> {
  const specs = inputs.map(({ shape, dtype }, at) => [`input_${at}`, { shape, dtype }] as const)
  return trace((tensors) => [fn(...Object.values(tensors))].flat(), Object.fromEntries(specs))
}

/** Values, with those that are close to the reference's replaced by them. */
const snapped = (outputs: readonly Output[], reference: readonly Output[]): Output[] =>
  outputs.map((output, at) => ({
    ...output,
    values: output.values.map((value, index) => {
      const expected = reference[at]?.values[index] ?? Number.NaN
      return isClose(value, expected) ? expected : value
    }),
  }))

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

async function runOnnx(session: ort.InferenceSession, inputs: readonly ConcreteInput[]): Promise<Output[]> {
  const results = await session.run(Object.fromEntries(inputs.map((input, at) => [`input_${at}`, toOrt(input)])))
  return session.outputNames.flatMap((name) => {
    const { type, dims, data } = results[name] ?? {}
    if (!type || !dims || !data) return []
    return [
      { dtype: type === 'int64' ? 'int32' : type, shape: dims, values: Array.from(data as ArrayLike<number>, Number) },
    ]
  })
}

function toOrt({ shape, dtype, values }: ConcreteInput): ort.Tensor {
  if (dtype === 'int32') return new ort.Tensor('int64', BigInt64Array.from(values, BigInt), shape)
  return new ort.Tensor(dtype, dtype === 'bool' ? Uint8Array.from(values) : Float32Array.from(values), shape)
}
