/** The bytes are a model that ONNX Runtime loads, with the names, types and constants of the graph. */
import onnxProto from 'onnx-proto'
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { Graph } from '../../src/onnx/graph.ts'
import { OPSET, toOnnx } from '../../src/onnx/index.ts'

const load = (graph: Graph) => ort.InferenceSession.create(toOnnx(graph))

const int64 = (values: number[], dims = [values.length]) =>
  new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims)

describe('toOnnx', () => {
  it('writes versions, names and symbolic sizes', () => {
    const graph = new Graph()
    const x = graph.input('input_ids', 'int64', ['batch', 'sequence'])
    const weight = graph.constant(new Float32Array(6), [3, 2], 'float32', 'wte.weight')
    graph.outputs.set('embeddings', graph.op('Gather', [weight, x], { axis: 0 }))
    const model = onnxProto.onnx.ModelProto.decode(toOnnx(graph, 'classifier'))
    expect([Number(model.irVersion), Number(model.opsetImport[0]?.version)]).toEqual([9, OPSET])
    expect(model.graph).toMatchObject({
      name: 'classifier',
      input: [{ name: 'input_ids' }],
      initializer: [{ name: 'wte.weight' }],
      output: [{ name: 'embeddings' }],
      node: [{ opType: 'Gather', input: ['wte.weight', 'input_ids'], output: ['embeddings'] }],
    })
    const dims = model.graph?.output?.[0]?.type?.tensorType?.shape?.dim ?? []
    expect(dims.map(({ dimParam, dimValue }) => dimParam || Number(dimValue))).toEqual(['batch', 'sequence', 2])
  })

  it('takes and gives int64, bool and float32', async () => {
    const graph = new Graph()
    const number = graph.input('number', 'int64', ['n'])
    const flag = graph.input('flag', 'bool', ['n'])
    graph.outputs.set('next', graph.op('Add', [number, graph.scalar(2 ** 40, 'int64')]))
    graph.outputs.set('inverse', graph.op('Not', [flag]))
    graph.outputs.set('real', graph.op('Cast', [number], { to: 'float32' }))
    const session = await load(graph)
    expect([session.inputNames, session.outputNames]).toEqual([
      ['number', 'flag'],
      ['next', 'inverse', 'real'],
    ])
    const flags = new ort.Tensor('bool', Uint8Array.of(1, 0), [2])
    const { next, inverse, real } = await session.run({ number: int64([-1, 5]), flag: flags })
    expect(next?.data).toEqual(BigInt64Array.of(2n ** 40n - 1n, 2n ** 40n + 5n))
    expect(inverse).toMatchObject({ type: 'bool', data: Uint8Array.of(0, 1) })
    expect(real).toMatchObject({ type: 'float32', data: Float32Array.of(-1, 5) })
  })

  it('keeps constants of every type, empty ones too', async () => {
    const graph = new Graph()
    const x = graph.input('x', 'float32', [2, 'n'])
    graph.outputs.set(
      'empty',
      graph.op('Concat', [x, graph.constant(new Float32Array(), [2, 0], 'float32')], { axis: 1 }),
    )
    graph.outputs.set('nothing', graph.constant(new Float64Array(), [0, 3], 'int64'))
    graph.outputs.set('flags', graph.constant(Uint8Array.of(1, 0), [2], 'bool'))
    graph.outputs.set('special', graph.constant(Float32Array.of(NaN, -Infinity, -0), [3], 'float32'))
    const results = await (await load(graph)).run({ x: new ort.Tensor('float32', [1, 2], [2, 1]) })
    expect(results['empty']).toMatchObject({ dims: [2, 1], data: Float32Array.of(1, 2) })
    expect(results['nothing']).toMatchObject({ type: 'int64', dims: [0, 3] })
    expect(results['flags']).toMatchObject({ type: 'bool', data: Uint8Array.of(1, 0) })
    expect(results['special']?.data).toEqual(Float32Array.of(NaN, -Infinity, -0))
  })

  it('reads only its own part of a shared buffer', async () => {
    const graph = new Graph()
    const shared = Float32Array.of(9, 1, 2, 9)
    graph.outputs.set('part', graph.constant(shared.subarray(1, 3), [2], 'float32', 'part_of_file'))
    const results = await (await load(graph)).run({})
    expect(results['part']?.data).toEqual(Float32Array.of(1, 2))
  })
})
