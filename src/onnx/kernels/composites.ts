/** Kernels that are one ONNX operator and no TF.js kernel: the composite ops that `src/model/ops` registers by these names. */
import { divide } from '../dims.ts'
import type { Value } from '../graph.ts'
import { kernel, unsupported } from './define.ts'
import { binaryOp } from './elementwise.ts'

interface GemmInputs {
  a: Value
  b: Value
  c?: Value
}

/** Halves of the last axis, the coordinates of points that are turned. */
const rotary = kernel<{ x: Value; cos: Value; sin: Value }>(({ x, cos, sin }, _, { graph }) => {
  const axis = x.shape.length - 1
  const half = divide(x.shape[axis] ?? 0, 2) ?? unsupported(`${x.shape[axis]} elements have no halves`)
  const [left = x, right = x] = graph.ops('Split', [x, graph.shapeTensor([half, half])], { axis })
  const times = (value: Value, factor: Value) => binaryOp(graph, 'Mul', value, factor)
  const turned = [
    binaryOp(graph, 'Sub', times(left, cos), times(right, sin)),
    binaryOp(graph, 'Add', times(right, cos), times(left, sin)),
  ]
  return graph.op('Concat', turned, { axis })
})

export const composites = {
  /** alpha · A·B + C */
  Gemm: kernel<GemmInputs, { alpha: number; transposeA: boolean; transposeB: boolean }>(
    ({ a, b, c }, { alpha, transposeA, transposeB }, { graph }) =>
      graph.op('Gemm', [a, b, ...(c ? [c] : [])], { alpha, transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 }),
  ),
  Gelu: kernel<{ x: Value }, { approximate: string }>(({ x }, { approximate }, { graph }) =>
    graph.op('Gelu', [x], { approximate }),
  ),
  LayerNormalization: kernel<{ x: Value; scale: Value; bias: Value }, { epsilon: number }>(
    ({ x, scale, bias }, { epsilon }, { graph }) =>
      graph.ops('LayerNormalization', [x, scale, bias], { axis: -1, epsilon }),
  ),
  /** Outputs: normalized, inverse root mean square. */
  SimplifiedLayerNormalization: kernel<{ x: Value; scale: Value }, { epsilon: number }>(
    ({ x, scale }, { epsilon }, { graph }) =>
      graph.ops('SimplifiedLayerNormalization', [x, scale], { axis: -1, epsilon }),
  ),
  /** Outputs: x · σ(x), σ(x). Where the second is not used, ONNX Runtime fuses the two operators. */
  Silu: kernel<{ x: Value }>(({ x }, _, { graph }) => {
    const sigma = graph.op('Sigmoid', [x])
    return [graph.op('Mul', [x, sigma]), sigma]
  }),
  Rotary: rotary,
  ReduceLogSumExp: kernel<{ x: Value }>(({ x }, _, { graph }) =>
    graph.op('ReduceLogSumExp', [x, graph.integers([x.shape.length - 1])], { keepdims: 0 }),
  ),
}
