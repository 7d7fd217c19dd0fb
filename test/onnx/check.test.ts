/** The checker accepts what the compiler builds and catches graphs that were broken by hand. */
import { beforeEach, describe, expect, it } from 'vitest'
import { Graph, type Value } from '../../src/onnx/graph.ts'
import { checkGraph } from '../../src/onnx/index.ts'

let graph: Graph
let x: Value
let product: Value

beforeEach(() => {
  graph = new Graph()
  x = graph.input('x', 'float32', ['batch', 3])
  const weight = graph.constant(new Float32Array(6), [3, 2], 'float32', 'weight')
  product = graph.op('MatMul', [x, weight])
  graph.outputs.set('y', graph.op('Tanh', [product]))
})

describe('checkGraph', () => {
  it('accepts a graph as it was built', () => {
    expect(() => checkGraph(graph)).not.toThrow()
  })

  it('catches a wrong shape', () => {
    product.shape = ['batch', 4]
    expect(() => checkGraph(graph)).toThrow('MatMul is declared float32[batch, 4], but gives float32[batch, 2]')
  })

  it('catches a wrong type', () => {
    product.type = 'int64'
    expect(() => checkGraph(graph)).toThrow('MatMul is declared int64[batch, 2], but gives float32[batch, 2]')
  })

  it('catches inputs that do not fit the operator', () => {
    x.shape = ['batch', 4]
    expect(() => checkGraph(graph)).toThrow('MatMul(float32[batch, 4], float32[3, 2]): inner sizes 4 and 3 differ')
  })

  it('catches use before definition', () => {
    graph.nodes.reverse()
    expect(() => checkGraph(graph)).toThrow('Tanh uses a value before it is defined')
  })

  it('catches a second definition', () => {
    graph.nodes.push({ op: 'Tanh', inputs: [product], outputs: [product], attributes: {} })
    expect(() => checkGraph(graph)).toThrow('an output of Tanh is defined twice')
  })

  it('catches an output that nothing computes', () => {
    graph.nodes.pop()
    expect(() => checkGraph(graph)).toThrow('the output "y" is not defined')
  })

  it.each(['x', 'weight'])('catches another tensor named %s', (name) => {
    graph.outputs.set(name, product)
    expect(() => checkGraph(graph)).toThrow(`two tensors are named "${name}"`)
  })

  it('catches two inputs of one name', () => {
    graph.input('x', 'float32', [1])
    expect(() => checkGraph(graph)).toThrow('two tensors are named "x"')
  })
})

describe('building', () => {
  it.each([
    ['operands that do not broadcast', () => graph.op('Add', [x, graph.constant(new Float32Array(2), [2], 'float32')])],
    ['operands of two types', () => graph.op('Add', [x, graph.scalar(1, 'int64')])],
    ['a type that the operator lacks', () => graph.op('Exp', [graph.scalar(1, 'int64')])],
    ['a shape of another size', () => graph.op('Reshape', [x, graph.integers([7, -1])])],
    ['a missing input', () => graph.op('Tanh', [])],
    ['a size that no input has', () => graph.sizeTensor('sequence')],
    ['a constant with too few values', () => graph.constant(new Float32Array(2), [3], 'float32')],
  ])('refuses %s', (_, build) => {
    expect(build).toThrow(expect.objectContaining({ name: 'GraftError', code: 'trace' }))
  })
})
