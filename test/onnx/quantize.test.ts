/** Weights in fewer bits: what ONNX Runtime computes with them is what their definition says, in float64. */
import { readFileSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs'
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../src/core/random.ts'
import { checkGraph, type Graph, printGraph, quantize, type Scheme, toOnnx, trace } from '../../src/onnx/index.ts'
import { toFloat16 } from '../../src/onnx/quantize/fp16.ts'
import { quantizeBlocks } from '../../src/onnx/quantize/int4.ts'
import { NF4, quantizeNf4 } from '../../src/onnx/quantize/nf4.ts'
import { quantizeColumns } from '../../src/onnx/quantize/int8.ts'

const [ROWS, INPUT, OUT] = [7, 70, 24]
const random = createRandom(5)
const values = (size: number) => Float32Array.from({ length: size }, () => random.normal())
const weight = { shape: [INPUT, OUT], data: values(INPUT * OUT) }
const bias = { shape: [OUT], data: values(OUT) }
const x = values(ROWS * INPUT)

const traceProduct = (transposed = false) =>
  trace(
    ({ x, w, b }) => tf.add(tf.matMul(x!, w!, false, transposed), b!),
    { x: { shape: ['rows', INPUT] } },
    {
      constants: new Map([
        ['w', transposed ? transposeOf(weight) : weight],
        ['b', bias],
      ]),
    },
  )

const transposeOf = ({ shape: [rows = 0, columns = 0], data }: typeof weight) => ({
  shape: [columns, rows],
  data: Float32Array.from(data, (_, at) => data[(at % rows) * columns + Math.floor(at / rows)] ?? NaN),
})

async function run(graph: Graph, feeds: Record<string, ort.Tensor>): Promise<Float32Array> {
  checkGraph(graph)
  const session = await ort.InferenceSession.create(toOnnx(graph))
  const { output } = await session.run(feeds)
  await session.release()
  return output?.data as Float32Array
}

const runProduct = (graph: Graph) => run(graph, { x: new ort.Tensor('float32', x, [ROWS, INPUT]) })

/** x · W + b in float64. */
const product = (left: ArrayLike<number>, right: (row: number, column: number) => number) =>
  Array.from({ length: ROWS * OUT }, (_, at) => {
    const [row, column] = [Math.floor(at / OUT), at % OUT]
    let sum = bias.data[column] ?? NaN
    for (let i = 0; i < INPUT; i++) sum += (left[row * INPUT + i] ?? NaN) * right(i, column)
    return sum
  })

/** x with a scale for each row, around zero. */
const throughRows = (numbers: Float32Array): number[] =>
  Array.from({ length: ROWS }, (_, row) => [...numbers.subarray(row * INPUT, (row + 1) * INPUT)]).flatMap((each) => {
    const scale = Math.fround(Math.max(...each.map(Math.abs)) * Math.fround(1 / 127))
    return each.map((value) => scale * roundEven(value / scale))
  })

const roundEven = (value: number) => {
  const floor = Math.floor(value)
  const tail = value - floor
  return tail === 0.5 ? floor + (floor % 2 === 0 ? 0 : 1) : Math.round(value)
}

const largestDifference = (found: ArrayLike<number>, expected: readonly number[]) =>
  Math.max(...expected.map((value, at) => Math.abs(value - (found[at] ?? NaN))))

describe('quantize', () => {
  const { values: numbers, scales } = quantizeColumns({ name: 'w', ...matrix(), transposed: false }, 63)
  const inEight = (i: number, o: number) => (numbers[i * OUT + o] ?? NaN) * (scales[o] ?? NaN)

  it.each([false, true])('int8: W by columns, x by rows (transposed: %s)', async (transposed) => {
    const expected = product(throughRows(x), inEight)
    const { graph, kept } = quantize(await traceProduct(transposed), () => 'int8')
    expect(largestDifference(await runProduct(graph), expected)).toBeLessThan(1e-4)
    expect(kept).toEqual(new Map([['w', 'int8']]))
  })

  it('int8: a row is what it is, whatever the others are, and of zeros what it should be', async () => {
    const { graph } = quantize(await traceProduct(), () => 'int8')
    const session = await ort.InferenceSession.create(toOnnx(graph))
    const give = async (rows: number[][]) => {
      const feed = new ort.Tensor('float32', Float32Array.from(rows.flat()), [rows.length, INPUT])
      const { output } = await session.run({ x: feed })
      return Array.from(output!.data as Float32Array).slice(0, OUT)
    }
    const first = Array.from(x.subarray(0, INPUT))
    const [zeros, huge] = [first.map(() => 0), first.map(() => 1e6)]
    expect(await give([first, huge, zeros])).toEqual(await give([first]))
    expect(await give([zeros, first])).toEqual(Array.from(bias.data))
    await session.release()
  })

  it.each(['int4', 'int4-eight'] as const)('%s: W in blocks of 32', async (scheme) => {
    const { values: bytes, scales: steps } = quantizeBlocks({
      name: 'w',
      ...matrix(),
      transposed: false,
    })
    const blocks = steps.length / OUT
    const at = (i: number, o: number) => {
      const number = o * blocks * 32 + i
      return ((((bytes[number >> 1] ?? NaN) >> (4 * (number & 1))) & 15) - 8) * (steps[number >> 5] ?? NaN)
    }
    const found = await runProduct(quantize(await traceProduct(), () => scheme).graph)
    // Of rounding x to eight bits: half a step of its largest number for each factor of a sum.
    const ofRounding = Math.sqrt(INPUT) * (Math.max(...x.map(Math.abs)) / 254) * 2
    expect(largestDifference(found, product(x, at))).toBeLessThan(scheme === 'int4' ? 1e-4 : ofRounding)
  })

  it('nf4: W in blocks of 64', async () => {
    const { values: bytes, largest } = quantizeNf4({ name: 'w', ...matrix(), transposed: false })
    const at = (i: number, o: number) => {
      const place = o * INPUT + i
      const number = ((bytes[place >> 1] ?? NaN) >> (place % 2 === 0 ? 4 : 0)) & 15
      return (NF4[number] ?? NaN) * (largest[place >> 6] ?? NaN)
    }
    const { graph } = quantize(await traceProduct(), () => 'nf4')
    expect(largestDifference(await runProduct(graph), product(x, at))).toBeLessThan(1e-4)
  })

  it('fp16: W as binary16 holds it', async () => {
    const half = toFloat16(weight.data)
    const expected = product(x, (i, o) => fromFloat16(half[i * OUT + o] ?? NaN))
    for (const transposed of [false, true]) {
      const { graph } = quantize(await traceProduct(transposed), () => 'fp16')
      expect(largestDifference(await runProduct(graph), expected)).toBeLessThan(1e-5)
    }
  })

  it.each(['int8', 'int4', 'int4-eight', 'nf4', 'fp16'] as Scheme[])('looks rows up: %s', async (scheme) => {
    const traced = await trace(
      ({ ids, w }) => tf.gather(w!, ids!),
      { ids: { shape: ['n'], dtype: 'int32' } },
      {
        constants: new Map([['w', weight]]),
      },
    )
    const ids = new ort.Tensor('int64', BigInt64Array.of(3n, 69n, 0n), [3])
    const found = await run(quantize(traced, () => scheme).graph, { ids })
    const rows = [3, 69, 0].flatMap((row) => [...weight.data.subarray(row * OUT, (row + 1) * OUT)])
    // Half a step of 1/127 of the row's largest number, which is below 4.
    expect(largestDifference(found, rows)).toBeLessThan(4 / 254)
  })

  it('leaves alone what no scheme is for, and the graph that it is given', async () => {
    const graph = await traceProduct()
    const before = printGraph(graph)
    const { graph: same, kept } = quantize(graph, () => undefined)
    expect(printGraph(same)).toBe(before)
    expect(kept.size).toBe(0)
    quantize(graph, () => 'int8')
    expect(printGraph(graph)).toBe(before)
  })

  it('quantizes what several products share once, and each direction of a weight once', async () => {
    const square = new Map([['w', { shape: [4, 4], data: values(16) }]])
    const graph = await trace(
      ({ x, w }) => tf.add(tf.matMul(x!, w!), tf.matMul(x!, w!, false, true)),
      { x: { shape: ['n', 4] } },
      { constants: square },
    )
    expect(printGraph(quantize(graph, () => 'int8').graph).replaceAll(/#\w+/g, '#')).toMatchInlineSnapshot(`
      "graph(x: float32[n, 4]) {
        %1: float32[n, 1] = ReduceMax(x, int64[1]{1}) {keepdims: 1}
        %2: float32[n, 1] = Mul(%1, 0.007874015718698502)
        %3: float32[n, 1] = ReduceMin(x, int64[1]{1}) {keepdims: 1}
        %4: float32[n, 1] = Mul(%3, -0.007874015718698502)
        %5: float32[n, 1] = Max(%2, %4, 1.0000000031710769e-30)
        %6: int64[1] = Shape(x) {start: 0, end: 1}
        %7: uint8[n] = Expand(uint8[1]{128}, %6)
        %8: float32[n] = Reshape(%5, int64[1]{0})
        %9: uint8[n, 4] = QuantizeLinear(x, %8, %7) {axis: 0}
        %10: float32[n, 4] = MatMulIntegerToFloat(%9, w.int8, 1, w.int8.scales, 128, _, _)
        %11: float32[n, 4] = Mul(%10, %5)
        %12: float32[n, 4] = MatMulIntegerToFloat(%9, w.transposed.int8, 1, w.transposed.int8.scales, 128, _, _)
        %13: float32[n, 4] = Mul(%12, %5)
        %14: float32[n, 4] = Add(%11, %13)
        return output = %14
      }"
    `)
  })
})

const matrix = () => ({ data: weight.data, rows: INPUT, columns: OUT })

/** The number that the bits of a binary16 stand for. */
function fromFloat16(bits: number): number {
  const [sign, exponent, mantissa] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25))
}

describe('quantizeColumns and quantizeBlocks', () => {
  it('use all of seven bits, and are within half a step', () => {
    const { values: numbers, scales } = quantizeColumns({ name: 'w', ...matrix(), transposed: false }, 63)
    expect([Math.max(...numbers), Math.min(...numbers)].map(Math.abs)).toContain(63)
    // What two products make fits sixteen bits, which is all that some processors have for it.
    expect(2 * 255 * Math.max(...numbers.map(Math.abs))).toBeLessThan(2 ** 15)
    numbers.forEach((number, at) => {
      const scale = scales[at % OUT] ?? NaN
      expect(Math.abs(number * scale - (weight.data[at] ?? NaN))).toBeLessThanOrEqual(scale * 0.5001)
    })
  })

  it('use all of four bits, and are within half a step, or a whole one at the end that has no -8', () => {
    const { values: bytes, scales } = quantizeBlocks({ name: 'w', ...matrix(), transposed: false })
    const used = new Set<number>()
    const blocks = Math.ceil(INPUT / 32)
    weight.data.forEach((value, at) => {
      const number = (at % OUT) * blocks * 32 + Math.floor(at / OUT)
      const stored = ((bytes[number >> 1] ?? NaN) >> (4 * (number & 1))) & 15
      const scale = scales[number >> 5] ?? NaN
      used.add(stored)
      const step = Math.abs(scale) * (stored === 15 ? 1 : 0.5)
      expect(Math.abs((stored - 8) * scale - value)).toBeLessThanOrEqual(step * 1.0001)
    })
    expect(used.size).toBe(16)
  })

  it('take a column of zeros', () => {
    const zeros = { name: 'w', data: new Float32Array(4), rows: 2, columns: 2, transposed: false }
    expect(quantizeColumns(zeros, 63)).toEqual({ values: new Int8Array(4), scales: Float32Array.of(1, 1) })
    expect(quantizeBlocks(zeros).scales).toEqual(Float32Array.of(1, 1))
  })
})

describe('toFloat16', () => {
  it.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65_504, 0x7bff],
    [1e9, 0x7bff],
    [6.1035156e-5, 0x0400],
    [5.9604645e-8, 0x0001],
    [2.9e-8, 0x0000],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [0.333333, 0x3555],
  ])('%s → %i', (value, bits) => {
    expect(toFloat16(Float32Array.of(value))).toEqual(Uint16Array.of(bits))
  })

  it('is within half a unit of the last place', () => {
    const numbers = Float32Array.from({ length: 2000 }, () => random.normal() * 10 ** (6 * random.uniform() - 4))
    toFloat16(numbers).forEach((bits, at) => {
      const value = numbers[at] ?? NaN
      expect(Math.abs(fromFloat16(bits) - value)).toBeLessThanOrEqual(Math.max(2 ** -25, Math.abs(value) * 2 ** -11))
    })
  })
})

describe('quantizeNf4', () => {
  const golden = JSON.parse(readFileSync(new URL('../interop/golden/nf4.json', import.meta.url), 'utf8')) as Record<
    string,
    { shape: [number, number]; matrix: number[]; values: number[]; absmax: number[] }
  >

  it.each(Object.entries(golden))(
    'gives what bitsandbytes gives: %s',
    (_, { shape, matrix: numbers, values, absmax }) => {
      // PyTorch's matrices are [out, in]: the transpose of W.
      const [rows, columns] = shape
      const found = quantizeNf4({
        name: 'w',
        data: Float32Array.from(numbers),
        rows,
        columns,
        transposed: true,
      })
      expect([...found.largest]).toEqual(absmax.map(Math.fround))
      expect([...found.values]).toEqual(values)
    },
  )
})
