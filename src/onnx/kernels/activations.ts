/** Activations and what their gradients call. */
import type {
  EluGradInputs,
  LeakyReluAttrs,
  LeakyReluInputs,
  PreluInputs,
  StepAttrs,
  StepInputs,
} from '@tensorflow/tfjs'
import type { Graph, Value } from '../graph.ts'
import { kernel, unsupported } from './define.ts'
import { broadcastShape, cast, derived, elementwiseOp, unary } from './elementwise.ts'
import { expand } from './shapes.ts'

/** ONNX Runtime's Relu takes no int64. */
const relu = (graph: Graph, x: Value): Value =>
  x.type === 'int64' ? elementwiseOp(graph, 'Max', [x, graph.scalar(0, 'int64')]) : graph.op('Relu', [x])

const relu6 = (graph: Graph, x: Value): Value => graph.op('Clip', [x, graph.scalar(0, x.type), graph.scalar(6, x.type)])

const leakyRelu = (graph: Graph, x: Value, alpha: number): Value =>
  graph.op('LeakyRelu', [cast(graph, x, 'float32')], { alpha })

/** ONNX broadcasts the slope to x, TF.js each to the other. */
const prelu = (graph: Graph, x: Value, slope: Value): Value =>
  graph.op('PRelu', [expand(graph, x, broadcastShape([x, slope])), slope])

/** 1 where x > 0, else alpha; NaN stays NaN. */
const step = kernel<StepInputs, StepAttrs>(({ x }, { alpha }, { graph }) => {
  const isPositive = graph.op('Greater', [x, graph.scalar(0, x.type)])
  const chosen = graph.op('Where', [isPositive, graph.scalar(1, x.type), graph.scalar(alpha, x.type)])
  return x.type === 'float32' ? graph.op('Where', [graph.op('IsNaN', [x]), x, chosen]) : chosen
})

/** dy where y ≥ 0, else dy · (y + 1). */
const eluGrad = kernel<EluGradInputs>(({ dy, y }, _, { graph }) => {
  const below = elementwiseOp(graph, 'Mul', [dy, graph.op('Add', [y, graph.scalar(1)])])
  return elementwiseOp(graph, 'Where', [graph.op('GreaterOrEqual', [y, graph.scalar(0)]), dy, below])
})

/** What TF.js' fused kernels say of the activation behind them. */
export interface FusedActivation {
  activation: string
  leakyreluAlpha?: number
}

/** The activation of a fused kernel. */
export function activate(
  graph: Graph,
  x: Value,
  { activation, leakyreluAlpha = 0.2 }: FusedActivation,
  slope: Value | undefined,
): Value {
  if (activation === 'linear') return x
  if (activation === 'relu') return relu(graph, x)
  if (activation === 'relu6') return relu6(graph, x)
  if (activation === 'elu') return graph.op('Elu', [x])
  if (activation === 'sigmoid') return graph.op('Sigmoid', [x])
  if (activation === 'leakyrelu') return leakyRelu(graph, x, leakyreluAlpha)
  if (activation === 'prelu' && slope) return prelu(graph, x, slope)
  return unsupported(`the fused activation "${activation}" has no ONNX mapping`)
}

export const activations = {
  Elu: unary('Elu'),
  EluGrad: eluGrad,
  LeakyRelu: kernel<LeakyReluInputs, LeakyReluAttrs>(({ x }, { alpha }, { graph }) => leakyRelu(graph, x, alpha)),
  Prelu: kernel<PreluInputs>(({ x, alpha }, _, { graph }) => prelu(graph, x, alpha)),
  Relu: derived(relu),
  Relu6: derived(relu6),
  Selu: unary('Selu'),
  Sigmoid: unary('Sigmoid'),
  Softplus: unary('Softplus'),
  Step: step,
  Tanh: unary('Tanh'),
}
