/** Matrix products. */
import type {
  BatchMatMulAttrs,
  BatchMatMulInputs,
  EinsumAttrs,
  TensorInfo,
  _FusedMatMulAttrs,
  _FusedMatMulInputs,
} from '@tensorflow/tfjs'
import type { Graph, Value } from '../graph.ts'
import { activate } from './activations.ts'
import { binaryOp } from './elementwise.ts'
import { kernel } from './define.ts'
import { transpose } from './shapes.ts'

/** Swaps the last two axes. */
function swapped(graph: Graph, x: Value, swap: boolean): Value {
  const rank = x.shape.length
  return swap ? transpose(graph, x, [...x.shape.keys()].with(rank - 1, rank - 2).with(rank - 2, rank - 1)) : x
}

/** Whether aᵀ · b has rows that are much longer than its columns. */
function isNarrow(a: Value, b: Value): boolean {
  const [rows = NaN, columns = NaN] = [a, b].map(({ shape }) => Number(shape[1])) // NaN where it is not known
  return 4 * columns <= rows
}

/** Two matrices go to `Gemm`, which transposes for nothing; stacks of matrices to `MatMul`. */
function matMul(graph: Graph, a: Value, b: Value, { transposeA, transposeB }: BatchMatMulAttrs): Value {
  if (a.shape.length === 2 && b.shape.length === 2) {
    // As the gradient of LoRA's A is. ONNX Runtime copies the transposed factor: so it is the small one, and half the time.
    if (transposeA && !transposeB && isNarrow(a, b)) {
      return transpose(graph, graph.op('Gemm', [b, a], { transA: 1 }), [1, 0])
    }
    return graph.op('Gemm', [a, b], { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 })
  }
  return graph.op('MatMul', [swapped(graph, a, transposeA), swapped(graph, b, transposeB)])
}

const fusedMatMul = kernel<_FusedMatMulInputs, _FusedMatMulAttrs>((inputs, attributes, { graph }) => {
  const { a, b, bias, preluActivationWeights } = inputs
  const product = matMul(graph, a, b, attributes)
  const sum = bias ? binaryOp(graph, 'Add', product, bias) : product
  return activate(graph, sum, attributes, preluActivationWeights)
})

/** TF.js knows no ellipsis and no repeated letter, so every equation of its is one of ONNX'. */
const einsum = kernel<Record<string, TensorInfo>, EinsumAttrs>((inputs, { equation }, { graph }) =>
  graph.op('Einsum', Object.values(inputs), { equation: equation.replaceAll(' ', '') }),
)

export const products = {
  BatchMatMul: kernel<BatchMatMulInputs, BatchMatMulAttrs>(({ a, b }, attributes, { graph }) =>
    matMul(graph, a, b, attributes),
  ),
  Einsum: einsum,
  _FusedMatMul: fusedMatMul,
}
