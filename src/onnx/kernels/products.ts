/** Matrix products. */
import {
  type BatchMatMulAttrs,
  type BatchMatMulInputs,
  type _FusedMatMulAttrs,
  type _FusedMatMulInputs,
} from '@tensorflow/tfjs'
import type { Graph, Value } from '../graph.ts'
import type { OpName } from '../infer.ts'
import { binaryOp } from './elementwise.ts'
import { kernel } from './define.ts'
import { transpose } from './shapes.ts'

/** Swaps the last two axes. */
function swapped(graph: Graph, x: Value, swap: boolean): Value {
  const rank = x.shape.length
  return swap ? transpose(graph, x, [...x.shape.keys()].with(-1, rank - 2).with(-2, rank - 1)) : x
}

/** Two matrices go to `Gemm`, which transposes for nothing; stacks of matrices to `MatMul`. */
function matMul(graph: Graph, a: Value, b: Value, { transposeA, transposeB }: BatchMatMulAttrs): Value {
  if (a.shape.length === 2 && b.shape.length === 2) {
    return graph.op('Gemm', [a, b], { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 })
  }
  return graph.op('MatMul', [swapped(graph, a, transposeA), swapped(graph, b, transposeB)])
}

const ACTIVATIONS: Record<string, OpName | undefined> = {
  relu: 'Relu',
  elu: 'Elu',
  sigmoid: 'Sigmoid',
  linear: 'Identity',
}

const fusedMatMul = kernel<_FusedMatMulInputs, _FusedMatMulAttrs>(({ a, b, bias }, attributes, { graph }) => {
  const product = matMul(graph, a, b, attributes)
  const sum = bias ? binaryOp(graph, 'Add', product, bias) : product
  const activation = ACTIVATIONS[attributes.activation]
  if (!activation) throw new Error(`the fused activation ${attributes.activation} has no ONNX mapping`)
  return activation === 'Identity' ? sum : graph.op(activation, [sum])
})

export const products = {
  BatchMatMul: kernel<BatchMatMulInputs, BatchMatMulAttrs>(({ a, b }, attributes, { graph }) =>
    matMul(graph, a, b, attributes),
  ),
  _FusedMatMul: fusedMatMul,
}
