/** Kernels that are one ONNX operator and no TF.js kernel: the composite ops that `src/model/ops` registers by these names. */
import type { Value } from '../graph.ts'
import { kernel } from './define.ts'

interface GemmInputs {
  a: Value
  b: Value
  c?: Value
}

export const composites = {
  /** alpha · A·B + C */
  Gemm: kernel<GemmInputs, { alpha: number; transposeA: boolean; transposeB: boolean }>(
    ({ a, b, c }, { alpha, transposeA, transposeB }, { graph }) =>
      graph.op('Gemm', [a, b, ...(c ? [c] : [])], { alpha, transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 }),
  ),
  Gelu: kernel<{ x: Value }>(({ x }, _, { graph }) => graph.op('Gelu', [x], { approximate: 'tanh' })),
  LayerNormalization: kernel<{ x: Value; scale: Value; bias: Value }, { epsilon: number }>(
    ({ x, scale, bias }, { epsilon }, { graph }) =>
      graph.ops('LayerNormalization', [x, scale, bias], { axis: -1, epsilon }),
  ),
  ReduceLogSumExp: kernel<{ x: Value }>(({ x }, _, { graph }) =>
    graph.op('ReduceLogSumExp', [x, graph.integers([x.shape.length - 1])], { keepdims: 0 }),
  ),
}
