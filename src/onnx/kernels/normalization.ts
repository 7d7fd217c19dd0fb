/** Normalization with given statistics (TF.js' layers normalize through it). */
import type { FusedBatchNormAttrs, FusedBatchNormInputs } from '@tensorflow/tfjs'
import { kernel } from './define.ts'
import { binaryOp } from './elementwise.ts'

/** (x - mean) / √(variance + ε) · scale + offset; scale and offset are optional. */
const fusedBatchNorm = kernel<FusedBatchNormInputs, FusedBatchNormAttrs>(
  ({ x, mean, variance, offset, scale }, { varianceEpsilon }, { graph }) => {
    const deviation = graph.op('Sqrt', [binaryOp(graph, 'Add', variance, graph.scalar(varianceEpsilon))])
    const normalized = binaryOp(graph, 'Div', binaryOp(graph, 'Sub', x, mean), deviation)
    const scaled = scale ? binaryOp(graph, 'Mul', normalized, scale) : normalized
    return offset ? binaryOp(graph, 'Add', scaled, offset) : scaled
  },
)

export const normalization = {
  FusedBatchNorm: fusedBatchNorm,
}
